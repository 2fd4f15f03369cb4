{{/*
Secrets and certificates as files. One table each: name in the values → variable of the program, file, and whether indexers need it, too.
*/}}
{{- define "selvage.secretTable" -}}
kafkaSaslPassword: { env: SELVAGE_KAFKA_SASL_PASSWORD_FILE, file: kafka-sasl-password, indexer: true }
kafkaSaslClientSecret: { env: SELVAGE_KAFKA_SASL_CLIENT_SECRET_FILE, file: kafka-sasl-client-secret, indexer: true }
redisUrl: { env: REDIS_URL_FILE, file: redis-url, indexer: true }
redisPassword: { env: SELVAGE_REDIS_PASSWORD_FILE, file: redis-password, indexer: true }
adminToken: { env: SELVAGE_ADMIN_TOKEN_FILE, file: admin-token, indexer: true }
tracingHeaders: { env: OTEL_EXPORTER_OTLP_HEADERS_FILE, file: tracing-headers, indexer: true }
jwtSecret: { env: SELVAGE_JWT_SECRET_FILE, file: jwt-secret, indexer: false }
ticketSecret: { env: SELVAGE_TICKET_SECRET_FILE, file: ticket-secret, indexer: false }
permissionHookSecret: { env: SELVAGE_AUTH_PERMISSION_HOOK_SECRET_FILE, file: permission-hook-secret, indexer: false }
{{- end }}

{{- define "selvage.certificateTable" -}}
kafkaCa: { env: SELVAGE_KAFKA_TLS_CA_FILE, file: kafka-ca.crt, indexer: true }
kafkaClient: { certEnv: SELVAGE_KAFKA_TLS_CERT_FILE, keyEnv: SELVAGE_KAFKA_TLS_KEY_FILE, file: kafka, indexer: true }
redisCa: { env: SELVAGE_REDIS_TLS_CA_FILE, file: redis-ca.crt, indexer: true }
redisClient: { certEnv: SELVAGE_REDIS_TLS_CERT_FILE, keyEnv: SELVAGE_REDIS_TLS_KEY_FILE, file: redis, indexer: true }
serving: { certEnv: SELVAGE_TLS_CERT_FILE, keyEnv: SELVAGE_TLS_KEY_FILE, file: serving, indexer: false }
{{- end }}

{{- define "selvage.chartSecretName" -}}
{{ include "selvage.fullname" . }}
{{- end }}

{{/* `true` when the secret is given, whichever way. Argument: root, name. */}}
{{- define "selvage.hasSecret" -}}
{{- $secret := get .root.Values.secrets .name -}}
{{- if or $secret.value $secret.existingSecret $secret.key }}true{{ end -}}
{{- end }}

{{/* Secrets that pods of a component are given: name → {env, file, secret, key}, as JSON. Argument: root, component. */}}
{{- define "selvage.mountedSecrets" -}}
{{- $root := .root -}}
{{- $component := .component -}}
{{- $mounted := dict -}}
{{- range $name, $entry := include "selvage.secretTable" $root | fromYaml -}}
{{- $secret := get $root.Values.secrets $name -}}
{{- if and (eq (include "selvage.hasSecret" (dict "root" $root "name" $name)) "true") (or (eq $component "edge") $entry.indexer) -}}
{{- $own := $secret.existingSecret | default $root.Values.secrets.existingSecret -}}
{{- $from := ternary (include "selvage.chartSecretName" $root) $own (ne $secret.value "") -}}
{{- $key := ternary $entry.file ($secret.key | default $entry.file) (ne $secret.value "") -}}
{{- $_ := set $mounted $name (dict "env" $entry.env "file" $entry.file "secret" $from "key" $key) -}}
{{- end -}}
{{- end -}}
{{- $mounted | toJson -}}
{{- end }}

{{/* Certificates likewise: a list of {env, file, secret or configMap, key}, as JSON. Argument: root, component. */}}
{{- define "selvage.mountedCertificates" -}}
{{- $root := .root -}}
{{- $component := .component -}}
{{- $mounted := list -}}
{{- range $name, $entry := include "selvage.certificateTable" $root | fromYaml -}}
{{- $given := get $root.Values.certificates $name -}}
{{- $isNeeded := or (eq $component "edge") $entry.indexer -}}
{{- if and $isNeeded $given.existingSecret (hasKey $entry "certEnv") -}}
{{- $mounted = append $mounted (dict "env" $entry.certEnv "file" (printf "%s.crt" $entry.file) "secret" $given.existingSecret "key" $given.certKey) -}}
{{- $mounted = append $mounted (dict "env" $entry.keyEnv "file" (printf "%s.key" $entry.file) "secret" $given.existingSecret "key" $given.keyKey) -}}
{{- else if and $isNeeded $given.existingSecret -}}
{{- $mounted = append $mounted (dict "env" $entry.env "file" $entry.file "secret" $given.existingSecret "key" $given.key) -}}
{{- else if and $isNeeded $given.existingConfigMap -}}
{{- $mounted = append $mounted (dict "env" $entry.env "file" $entry.file "configMap" $given.existingConfigMap "key" $given.key) -}}
{{- end -}}
{{- end -}}
{{- dict "certificates" $mounted | toJson -}}
{{- end }}

{{/* Of secrets that the chart makes, those that a pod reads only at its start: a change of them must roll the pods. */}}
{{- define "selvage.startSecretsText" -}}
{{- .Values.secrets.redisUrl.value }}/{{ .Values.secrets.tracingHeaders.value -}}
{{- end }}
