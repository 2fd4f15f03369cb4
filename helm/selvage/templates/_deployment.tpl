{{/* Edges and indexers differ in what they are given, not in how they are run. Argument: root, component, replicas (empty: an autoscaler's). */}}
{{- define "selvage.deployment" -}}
{{- $root := .root -}}
{{- $values := get $root.Values .component -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "selvage.fullname" $root }}-{{ .component }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "selvage.labels" . | nindent 4 }}
spec:
  {{- with .replicas }}
  replicas: {{ . }}
  {{- end }}
  revisionHistoryLimit: 5
  minReadySeconds: {{ $values.rollout.minReadySeconds }}
  progressDeadlineSeconds: {{ include "selvage.progressDeadlineSeconds" . }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      # No pod goes before its successor is there: a rollout never drops capacity.
      maxUnavailable: 0
      maxSurge: {{ $values.rollout.maxSurge }}
  selector:
    matchLabels:
      {{- include "selvage.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        # Without the versions of chart and program: what changes nothing in a pod rolls no pod.
        {{- include "selvage.selectorLabels" . | nindent 8 }}
        selvage.io/node: 'true'
        {{- with $root.Values.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: selvage
        # Configuration is immutable in a process: a change rolls the pods. Secrets in files are read again and do not.
        checksum/config: {{ include "selvage.config" . | sha256sum }}
        checksum/start-secrets: {{ include "selvage.startSecretsText" $root | sha256sum }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      serviceAccountName: {{ include "selvage.serviceAccountName" $root }}
      # The program asks the Kubernetes API nothing.
      automountServiceAccountToken: false
      # Kubernetes would set SELVAGE_PORT and the like for each Service of the namespace.
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ include "selvage.graceSeconds" . }}
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      securityContext:
        {{- include "selvage.podSecurityContext" $root | nindent 8 }}
      {{- include "selvage.topologySpread" . | nindent 6 }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if eq (include "selvage.asksForRack" $root) "true" }}
      initContainers:
        {{- include "selvage.rackInitContainer" $root | nindent 8 }}
      {{- end }}
      containers:
        {{- include "selvage.container" . | nindent 8 }}
      volumes:
        {{- include "selvage.volumes" . | nindent 8 }}
{{- end }}
