{{/*
All arithmetic of the chart. Times are seconds, memory is MiB. Each is a number as text: pipe it through `int`.
*/}}

{{/* Time for the balancer to see that a pod is not ready: the program's own default unless said otherwise. */}}
{{- define "selvage.balancerWaitSeconds" -}}
{{- dig "drain" "balancerWaitSeconds" 5 .Values.config | int -}}
{{- end }}

{{- define "selvage.drainWindowSeconds" -}}
{{- dig "drain" "windowSeconds" 20 .Values.config | int -}}
{{- end }}

{{/* What an edge needs from SIGTERM to its end: balancer wait + drain window + 5 s (`graceMsOf` of the program). */}}
{{- define "selvage.graceSecondsMin" -}}
{{- add (include "selvage.balancerWaitSeconds" . | int) (include "selvage.drainWindowSeconds" . | int) 5 -}}
{{- end }}

{{/* terminationGracePeriodSeconds. Indexers have no readers: they leave their group, which takes up to 3 s. Argument: root, component. */}}
{{- define "selvage.graceSeconds" -}}
{{- if eq .component "indexer" -}}
30
{{- else -}}
{{- $min := include "selvage.graceSecondsMin" .root | int -}}
{{- .root.Values.shutdown.terminationGracePeriodSeconds | default $min | int -}}
{{- end -}}
{{- end }}

{{/* How long a pod may take until it answers its liveness probe. */}}
{{- define "selvage.startSecondsMax" -}}
60
{{- end }}

{{/* Until a rollout may be called failed: a new pod starts and is ready for a while, and where there is no room for it, an old one drains first. Argument: root, component. */}}
{{- define "selvage.progressDeadlineSecondsMin" -}}
{{- $values := get .root.Values .component -}}
{{- $steps := add (include "selvage.startSecondsMax" . | int) ($values.rollout.minReadySeconds | int) (include "selvage.graceSeconds" . | int) 60 -}}
{{- max 600 $steps -}}
{{- end }}

{{- define "selvage.progressDeadlineSeconds" -}}
{{- .root.Values.shutdown.progressDeadlineSeconds | default (include "selvage.progressDeadlineSecondsMin" .) | int -}}
{{- end }}

{{/* Fewest and most edges that this release may have. */}}
{{- define "selvage.edgesMin" -}}
{{- ternary .Values.autoscaling.minReplicas .Values.edge.replicas (eq (include "selvage.isScaled" .) "true") | int -}}
{{- end }}

{{- define "selvage.edgesMax" -}}
{{- ternary .Values.autoscaling.maxReplicas .Values.edge.replicas (eq (include "selvage.isScaled" .) "true") | int -}}
{{- end }}

{{/* A Kubernetes quantity of memory in MiB, rounded down; argument: the quantity. 0 when it cannot be read. */}}
{{- define "selvage.mebibytes" -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?" $text | float64 -}}
{{- $unit := regexFind "[A-Za-z]*$" $text -}}
{{- $bytes := dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- if hasKey $bytes $unit -}}
{{- divf (mulf $number (get $bytes $unit)) 1048576.0 | floor | int64 -}}
{{- else -}}
0
{{- end -}}
{{- end }}

{{- define "selvage.recentMebibytes" -}}
{{- div (dig "recent" "bytesMax" 268435456 .Values.config | int64) 1048576 -}}
{{- end }}

{{/*
Memory that a full pod takes (figures: loadtest/README.md): 130 MiB bare; `recent`, whose 256 MiB are 300 MiB resident; 64 MiB of pages of the log; 8 KiB for each
stream with token and lease (6.3 measured).
*/}}
{{- define "selvage.edgeMebibytesMin" -}}
{{- $recent := include "selvage.recentMebibytes" . | int64 -}}
{{- $streams := dig "limits" "connectionsMax" 100000 .Values.config | int64 -}}
{{- add 194 (div (mul $recent 12) 10) (div $streams 128) -}}
{{- end }}

{{/* Heap that V8 may take: the limit without what lies beside the heap (`recent` and 192 MiB of program, stacks and socket buffers). Empty without a limit. Argument: root, component. */}}
{{- define "selvage.heapMebibytes" -}}
{{- $limit := dig "limits" "memory" "" (get .root.Values .component).resources -}}
{{- if $limit -}}
{{- $recent := ternary 0 (include "selvage.recentMebibytes" .root | int64) (eq .component "indexer") -}}
{{- max 128 (sub (sub (include "selvage.mebibytes" $limit | int64) $recent) 192) -}}
{{- end -}}
{{- end }}

{{/* Ports of the brokers, as JSON. */}}
{{- define "selvage.kafkaPorts" -}}
{{- $ports := list -}}
{{- range dig "kafka" "brokers" (list) .Values.config -}}
{{- $ports = append $ports (regexFind "[0-9]+$" . | int) -}}
{{- end -}}
{{- range .Values.networkPolicy.egress.kafkaPorts -}}
{{- $ports = append $ports (int .) -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end }}
