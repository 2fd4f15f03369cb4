{{/*
The configuration file of a component, as JSON. Indexers are given only the parts that they work with, so that a change of streams, identity or limits rolls the edges alone
and rebalances nobody.
*/}}
{{- define "selvage.config" -}}
{{- $config := .root.Values.config -}}
{{- if eq .component "indexer" -}}
{{- $own := pick $config "group" "logLevel" "kafka" "redis" "window" "recent" "replay" "control" "admin" "routes" "log" "tracing" -}}
{{- with dig "limits" "eventBytesMax" "" $config -}}
{{- $_ := set $own "limits" (dict "eventBytesMax" .) -}}
{{- end -}}
{{- $config = $own -}}
{{- end -}}
{{- $config | toJson -}}
{{- end }}

{{- define "selvage.configMapName" -}}
{{ include "selvage.fullname" .root }}-{{ .component }}
{{- end }}

{{/* Whether an init container finds the rack, and writes it into a copy of the configuration. */}}
{{- define "selvage.asksForRack" -}}
{{- if eq .Values.rackId.source "nodeLabel" }}true{{ end -}}
{{- end }}

{{/* Environment of the program. Argument: root, component. */}}
{{- define "selvage.env" -}}
{{- $root := .root -}}
- name: SELVAGE_CONFIG
  value: {{ ternary "/run/selvage/selvage.json" "/etc/selvage/config/selvage.yaml" (eq (include "selvage.asksForRack" $root) "true") }}
- name: SELVAGE_ROLES
  value: {{ ternary "indexer" (ternary "edge" "edge,indexer" (eq (include "selvage.isSeparate" $root) "true")) (eq .component "indexer") | quote }}
- name: HOST
  value: 0.0.0.0
- name: PORT
  value: '8080'
- name: ADMIN_PORT
  value: '9090'
{{- if eq .component "indexer" }}
# No balancer sends anything to an indexer.
- name: SELVAGE_DRAIN_BALANCER_WAIT_SECONDS
  value: '0'
{{- end }}
{{- if eq $root.Values.rackId.source "podLabel" }}
# Empty where the cluster does not copy the label from the node: then no rack is set.
- name: SELVAGE_KAFKA_RACK_ID
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['topology.kubernetes.io/zone']
{{- end }}
{{- range $name, $secret := include "selvage.mountedSecrets" . | fromJson }}
- name: {{ $secret.env }}
  value: /etc/selvage/secrets/{{ $secret.file }}
{{- end }}
{{- range (include "selvage.mountedCertificates" . | fromJson).certificates }}
- name: {{ .env }}
  value: /etc/selvage/certificates/{{ .file }}
{{- end }}
{{- $own := (get $root.Values .component).extraEnv }}
{{- $names := list }}
{{- range $own }}{{ $names = append $names .name }}{{ end }}
{{- with include "selvage.heapMebibytes" . }}
{{- if not (has "NODE_OPTIONS" $names) }}
# The heap that the memory limit holds; without it V8 takes a fraction of the limit that knows nothing of `recent`.
- name: NODE_OPTIONS
  value: --max-old-space-size={{ . }}
{{- end }}
{{- end }}
{{- with $own }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Argument: root, component. */}}
{{- define "selvage.volumes" -}}
{{- $root := .root -}}
- name: config
  configMap:
    name: {{ include "selvage.configMapName" . }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- $secrets := include "selvage.mountedSecrets" . | fromJson }}
{{- with $secrets }}
- name: secrets
  projected:
    # r--r-----: the process reads them by its group.
    defaultMode: 288
    sources:
      {{- range $name, $secret := . }}
      - secret:
          name: {{ $secret.secret }}
          items: [{ key: {{ $secret.key | quote }}, path: {{ $secret.file }} }]
      {{- end }}
{{- end }}
{{- with (include "selvage.mountedCertificates" . | fromJson).certificates }}
- name: certificates
  projected:
    defaultMode: 288
    sources:
      {{- range . }}
      - {{ ternary "secret" "configMap" (hasKey . "secret") }}:
          name: {{ .secret | default .configMap }}
          items: [{ key: {{ .key | quote }}, path: {{ .file }} }]
      {{- end }}
{{- end }}
{{- range $root.Values.files }}
- name: file-{{ .name }}
  {{- if .secret }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 288
  {{- else }}
  configMap:
    name: {{ .configMap }}
  {{- end }}
{{- end }}
{{- if eq (include "selvage.asksForRack" $root) "true" }}
- name: run
  emptyDir:
    sizeLimit: 4Mi
- name: rack
  projected:
    defaultMode: 288
    sources:
      - serviceAccountToken: { path: token, expirationSeconds: 600 }
      - configMap:
          name: kube-root-ca.crt
          items: [{ key: ca.crt, path: ca.crt }]
      - configMap:
          name: {{ include "selvage.fullname" $root }}-rack
{{- end }}
{{- with (get $root.Values .component).extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Argument: root, component. */}}
{{- define "selvage.volumeMounts" -}}
{{- $root := .root -}}
- { name: config, mountPath: /etc/selvage/config, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- if include "selvage.mountedSecrets" . | fromJson }}
- { name: secrets, mountPath: /etc/selvage/secrets, readOnly: true }
{{- end }}
{{- if (include "selvage.mountedCertificates" . | fromJson).certificates }}
- { name: certificates, mountPath: /etc/selvage/certificates, readOnly: true }
{{- end }}
{{- range $root.Values.files }}
- { name: file-{{ .name }}, mountPath: /etc/selvage/files/{{ .name }}, readOnly: true }
{{- end }}
{{- if eq (include "selvage.asksForRack" $root) "true" }}
- { name: run, mountPath: /run/selvage, readOnly: true }
{{- end }}
{{- with (get $root.Values .component).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
