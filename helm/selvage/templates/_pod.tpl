{{/* Restricted Pod Security Standard. */}}
{{- define "selvage.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .Values.security.runAsUser }}
runAsGroup: {{ .Values.security.runAsGroup }}
fsGroup: {{ .Values.security.runAsGroup }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "selvage.containerSecurityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Argument: root, component. */}}
{{- define "selvage.topologySpread" -}}
{{- $spread := (get .root.Values .component).topologySpread -}}
{{- $labels := include "selvage.selectorLabels" . -}}
{{- if $spread.enabled -}}
topologySpreadConstraints:
  {{- range $spread.topologyKeys }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: {{ $spread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- $labels | nindent 8 }}
    # Each build is spread for itself, or a rollout would leave the new pods where the old ones made room.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}

{{/* Finds the zone of the pod's node and writes it into a copy of the configuration; a failure leaves the rack out. */}}
{{- define "selvage.rackInitContainer" -}}
- name: rack
  image: {{ include "selvage.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [node, /etc/selvage/rack/rack-of-node.mjs]
  env:
    - name: NODE_NAME
      valueFrom:
        fieldRef:
          fieldPath: spec.nodeName
    - name: RACK_LABEL
      value: {{ .Values.rackId.label | quote }}
    - name: RACK_MAP
      value: {{ .Values.rackId.map | toJson | quote }}
    - name: CONFIG_FROM
      value: /etc/selvage/config/selvage.json
    - name: CONFIG_TO
      value: /run/selvage/selvage.json
  resources:
    requests: { cpu: 50m, memory: 64Mi }
    limits: { memory: 128Mi }
  securityContext:
    {{- include "selvage.containerSecurityContext" . | nindent 4 }}
  volumeMounts:
    - { name: config, mountPath: /etc/selvage/config, readOnly: true }
    - { name: rack, mountPath: /etc/selvage/rack, readOnly: true }
    - { name: run, mountPath: /run/selvage }
{{- end }}

{{/* Argument: root, component. */}}
{{- define "selvage.container" -}}
{{- $root := .root -}}
- name: selvage
  image: {{ include "selvage.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  env:
    {{- include "selvage.env" . | nindent 4 }}
  ports:
    {{- if eq .component "edge" }}
    - { name: http, containerPort: 8080, protocol: TCP }
    {{- end }}
    - { name: admin, containerPort: 9090, protocol: TCP }
  # The admin port opens first, before Kafka is asked for anything; so this bounds the start of the program alone.
  startupProbe:
    httpGet: { path: /healthz/live, port: admin }
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: {{ div (include "selvage.startSecondsMax" $root | int) 2 }}
  # Ready means delivering: the tail is at the head of the log and the node is not draining.
  readinessProbe:
    httpGet: { path: /healthz/ready, port: admin }
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: 2
  # Alive means that the event loop turns. Neither Kafka nor Redis being away restarts a node; half a minute without an answer does.
  livenessProbe:
    httpGet: { path: /healthz/live, port: admin }
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  resources:
    {{- toYaml (get $root.Values .component).resources | nindent 4 }}
  securityContext:
    {{- include "selvage.containerSecurityContext" $root | nindent 4 }}
  volumeMounts:
    {{- include "selvage.volumeMounts" . | nindent 4 }}
{{- end }}
