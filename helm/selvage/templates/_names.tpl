{{- define "selvage.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $whole := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $whole | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "selvage.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "selvage.fullname" .) -}}
{{- end }}

{{/* What a Deployment's selector is made of; never changes. Argument: root, component. */}}
{{- define "selvage.selectorLabels" -}}
app.kubernetes.io/name: selvage
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* Argument: root, component (may be empty). */}}
{{- define "selvage.labels" -}}
{{ include "selvage.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "selvage.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Whether indexers are pods of their own. */}}
{{- define "selvage.isSeparate" -}}
{{- if eq .Values.mode "separate" }}true{{ end -}}
{{- end }}

{{- define "selvage.isScaled" -}}
{{- if or .Values.autoscaling.enabled .Values.keda.enabled }}true{{ end -}}
{{- end }}

{{/* Whether Redis is configured, whichever way. */}}
{{- define "selvage.hasRedis" -}}
{{- if or (dig "redis" "url" "" .Values.config) (eq (include "selvage.hasSecret" (dict "root" . "name" "redisUrl")) "true") }}true{{ end -}}
{{- end }}

{{/* Prefixes of paths that go to the pods. Argument: root, paths. */}}
{{- define "selvage.paths" -}}
{{- .paths | default (list (default "/" .root.Values.config.basePath)) | toJson -}}
{{- end }}
