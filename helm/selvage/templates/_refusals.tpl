{{/*
Combinations that Kubernetes would take and that would lose readers, secrets or sleep. One sentence each; all of them are told at once.
*/}}
{{- define "selvage.refuseUnsafe" -}}
{{- $problems := list -}}
{{- range list "Pods" "Stopping" "Scaling" "Disruptions" "Redis" "Kafka" "Secrets" "Access" "Proxies" "Monitoring" -}}
{{- range (include (printf "selvage.problems%s" .) $ | fromYamlArray) -}}
{{- $problems = append $problems . -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- printf "\n\nThis release is refused:\n  - %s\n" (join "\n  - " $problems) | fail -}}
{{- end -}}
{{- end }}

{{/* A problem is a line of a YAML list; %q makes any text safe in it. */}}
{{- define "selvage.problem" -}}
{{ printf "- %q" . }}
{{ end }}

{{- define "selvage.problemsPods" -}}
{{- $image := .Values.image -}}
{{- if and (eq $image.tag "latest") (not $image.digest) -}}
{{- include "selvage.problem" "image.tag is latest: pods of one Deployment would run different builds; name a version or a digest." -}}
{{- end -}}
{{- if and .Values.edge.resources (dig "limits" "memory" "" .Values.edge.resources) -}}
{{- $limit := include "selvage.mebibytes" .Values.edge.resources.limits.memory | int64 -}}
{{- $min := include "selvage.edgeMebibytesMin" . | int64 -}}
{{- if lt $limit $min -}}
{{- include "selvage.problem" (printf "edge.resources.limits.memory is %d MiB, but a full pod takes %d MiB: raise it, or lower config.recent.bytesMax or config.limits.connectionsMax." $limit $min) -}}
{{- end -}}
{{- end -}}
{{- $set := list "SELVAGE_CONFIG" "SELVAGE_ROLES" "SELVAGE_NODE_ID" "SELVAGE_KAFKA_RACK_ID" "SELVAGE_DRAIN_BALANCER_WAIT_SECONDS" "SELVAGE_DRAIN_WINDOW_SECONDS" "SELVAGE_LIMITS_CONNECTIONS_MAX" "SELVAGE_RECENT_BYTES_MAX" "HOST" "PORT" "ADMIN_PORT" "KAFKA_BROKERS" "REDIS_URL" -}}
{{- range $component := list "edge" "indexer" -}}
{{- range (get $.Values $component).extraEnv -}}
{{- if or (has .name $set) (hasSuffix "_FILE" .name) -}}
{{- include "selvage.problem" (printf "%s.extraEnv sets %s, which the chart sets or reckons with: use config, secrets or certificates." $component .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- include "selvage.problem" "serviceAccount.create is false and serviceAccount.name is empty: the pods would run as nobody in particular." -}}
{{- end -}}
{{- range .Values.files -}}
{{- if eq (empty .secret) (empty .configMap) -}}
{{- include "selvage.problem" (printf "files: %s needs either a secret or a configMap." .name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.rackId.map (ne .Values.rackId.source "nodeLabel") -}}
{{- include "selvage.problem" "rackId.map means something with rackId.source nodeLabel only: nothing else can translate a label." -}}
{{- end -}}
{{- end }}

{{- define "selvage.problemsStopping" -}}
{{- $min := include "selvage.graceSecondsMin" . | int -}}
{{- $grace := .Values.shutdown.terminationGracePeriodSeconds -}}
{{- if and (not (kindIs "invalid" $grace)) (lt (int $grace) $min) -}}
{{- include "selvage.problem" (printf "shutdown.terminationGracePeriodSeconds is %d, but balancer wait + drain window + 5 s is %d: streams would be cut instead of being sent on." (int $grace) $min) -}}
{{- end -}}
{{- if eq (include "selvage.balancerWaitSeconds" .) "0" -}}
{{- include "selvage.problem" "config.drain.balancerWaitSeconds is 0: balancers would still send readers to a pod that no longer accepts them." -}}
{{- end -}}
{{- $deadline := .Values.shutdown.progressDeadlineSeconds -}}
{{- range ternary (list "edge" "indexer") (list "edge") (eq (include "selvage.isSeparate" .) "true") -}}
{{- $needed := include "selvage.progressDeadlineSecondsMin" (dict "root" $ "component" .) | int -}}
{{- if and (not (kindIs "invalid" $deadline)) (lt (int $deadline) $needed) -}}
{{- include "selvage.problem" (printf "shutdown.progressDeadlineSeconds is %d, but a rollout of %ss may need %d: it would be called failed while an old pod drains." (int $deadline) . $needed) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "selvage.problemsScaling" -}}
{{- $scaling := .Values.autoscaling -}}
{{- $isScaled := eq (include "selvage.isScaled" .) "true" -}}
{{- if and $scaling.enabled .Values.keda.enabled -}}
{{- include "selvage.problem" "autoscaling.enabled and keda.enabled are both true: two autoscalers would fight over the number of edges." -}}
{{- end -}}
{{- if and $isScaled (ne (include "selvage.isSeparate" .) "true") -}}
{{- include "selvage.problem" "mode combined is for a fixed number of pods: each change of it would rebalance the indexers in them." -}}
{{- end -}}
{{- if $isScaled -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- include "selvage.problem" (printf "autoscaling.minReplicas (%d) is more than autoscaling.maxReplicas (%d)." (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- if not (or $scaling.connections.enabled $scaling.cpu.enabled) -}}
{{- include "selvage.problem" "autoscaling has neither connections nor cpu to go by." -}}
{{- end -}}
{{- $connectionsMax := dig "limits" "connectionsMax" 100000 .Values.config | int64 -}}
{{- if and $scaling.connections.enabled (ge (int64 $scaling.connections.averagePerPod) $connectionsMax) -}}
{{- include "selvage.problem" (printf "autoscaling.connections.averagePerPod (%d) is not below config.limits.connectionsMax (%d): readers would be turned away before a pod is added." (int64 $scaling.connections.averagePerPod) $connectionsMax) -}}
{{- end -}}
{{- if eq (dig "stream" "maxAgeSeconds" 600 .Values.config | int) 0 -}}
{{- include "selvage.problem" "config.stream.maxAgeSeconds is 0: streams that never end leave every added pod empty." -}}
{{- end -}}
{{- end -}}
{{- if and .Values.keda.enabled $scaling.connections.enabled (not .Values.keda.prometheusAddress) -}}
{{- include "selvage.problem" "keda.enabled needs keda.prometheusAddress: nobody else knows the number of streams." -}}
{{- end -}}
{{- end }}

{{- define "selvage.problemsDisruptions" -}}
{{- $fewest := dict "edge" (include "selvage.edgesMin" . | int) "indexer" (.Values.indexer.replicas | int) -}}
{{- range $component := ternary (list "edge" "indexer") (list "edge") (eq (include "selvage.isSeparate" .) "true") -}}
{{- $budget := (get $.Values $component).podDisruptionBudget -}}
{{- $pods := get $fewest $component | int -}}
{{- $hasMin := not (kindIs "invalid" $budget.minAvailable) -}}
{{- $hasMax := not (kindIs "invalid" $budget.maxUnavailable) -}}
{{- $at := printf "%s.podDisruptionBudget" $component -}}
{{- if not $budget.enabled -}}
{{- else if eq $hasMin $hasMax -}}
{{- include "selvage.problem" (printf "%s needs one of minAvailable and maxUnavailable, and the other null." $at) -}}
{{- else if and $hasMax (or (eq (toString $budget.maxUnavailable) "0") (eq (toString $budget.maxUnavailable) "0%")) -}}
{{- include "selvage.problem" (printf "%s.maxUnavailable is %v: no Kubernetes node could ever be drained." $at $budget.maxUnavailable) -}}
{{- else if and $hasMin (eq (toString $budget.minAvailable) "100%") -}}
{{- include "selvage.problem" (printf "%s.minAvailable is 100%%: no Kubernetes node could ever be drained." $at) -}}
{{- else if and $hasMin (not (hasSuffix "%" (toString $budget.minAvailable))) (ge (int $budget.minAvailable) $pods) -}}
{{- include "selvage.problem" (printf "%s.minAvailable (%d) is not below the fewest pods there may be (%d): no Kubernetes node could ever be drained." $at (int $budget.minAvailable) $pods) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "selvage.problemsRedis" -}}
{{- $hasRedis := eq (include "selvage.hasRedis" .) "true" -}}
{{- $url := dig "redis" "url" "" .Values.config -}}
{{- $hasSecretUrl := eq (include "selvage.hasSecret" (dict "root" . "name" "redisUrl")) "true" -}}
{{- $most := include "selvage.edgesMax" . | int -}}
{{- if and (not $hasRedis) (gt $most 1) -}}
{{- include "selvage.problem" (printf "%d edges without Redis: each would count limits for itself, refuse the tickets of the others, and read Kafka for every return; set config.redis.url or secrets.redisUrl." $most) -}}
{{- end -}}
{{- if and (not $hasRedis) (eq (include "selvage.isSeparate" .) "true") -}}
{{- include "selvage.problem" "mode separate without Redis: the indexers have nothing to write to; set config.redis.url or secrets.redisUrl." -}}
{{- end -}}
{{- if and (eq (include "selvage.isSeparate" .) "true") (lt (int .Values.indexer.replicas) 1) -}}
{{- include "selvage.problem" "indexer.replicas is 0: nobody would write the window, and every return past recent would read Kafka." -}}
{{- end -}}
{{- if and $url $hasSecretUrl -}}
{{- include "selvage.problem" "config.redis.url and secrets.redisUrl are both set: one must go." -}}
{{- end -}}
{{- if contains "@" $url -}}
{{- include "selvage.problem" "config.redis.url holds a login, which anybody who may read ConfigMaps would see: give it as secrets.redisUrl, or the password as secrets.redisPassword." -}}
{{- end -}}
{{- if not $hasRedis -}}
{{- range list "redisPassword" -}}
{{- if eq (include "selvage.hasSecret" (dict "root" $ "name" .)) "true" -}}
{{- include "selvage.problem" (printf "secrets.%s means nothing without config.redis.url or secrets.redisUrl." .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range list "redisCa" "redisClient" -}}
{{- $given := get $.Values.certificates . -}}
{{- if and (or $given.existingSecret $given.existingConfigMap) (not $hasSecretUrl) (not (hasPrefix "rediss" $url)) -}}
{{- include "selvage.problem" (printf "certificates.%s needs a URL of Redis that begins with rediss." .) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "selvage.problemsKafka" -}}
{{- $kafka := dig "kafka" (dict) .Values.config -}}
{{- $tls := dig "tls" "enabled" false $kafka -}}
{{- $sasl := dig "sasl" (dict) $kafka -}}
{{- $mechanism := $sasl.mechanism | default "" -}}
{{- $hasPassword := eq (include "selvage.hasSecret" (dict "root" . "name" "kafkaSaslPassword")) "true" -}}
{{- $hasClientSecret := eq (include "selvage.hasSecret" (dict "root" . "name" "kafkaSaslClientSecret")) "true" -}}
{{- $usesPassword := has $mechanism (list "plain" "scram-sha-256" "scram-sha-512") -}}
{{- if not $kafka.brokers -}}
{{- include "selvage.problem" "config.kafka.brokers is missing: without Kafka the log is the memory of one pod and ends with it." -}}
{{- end -}}
{{- if and $usesPassword (not (and $sasl.username $hasPassword)) -}}
{{- include "selvage.problem" (printf "config.kafka.sasl.mechanism is %s: it needs config.kafka.sasl.username and secrets.kafkaSaslPassword." $mechanism) -}}
{{- end -}}
{{- if and $hasPassword (not $usesPassword) -}}
{{- include "selvage.problem" "secrets.kafkaSaslPassword means nothing without config.kafka.sasl.mechanism plain, scram-sha-256 or scram-sha-512." -}}
{{- end -}}
{{- if and (eq $mechanism "oauthbearer") (not (and $sasl.tokenUrl $sasl.clientId $hasClientSecret)) -}}
{{- include "selvage.problem" "config.kafka.sasl.mechanism is oauthbearer: it needs tokenUrl and clientId beside it, and secrets.kafkaSaslClientSecret." -}}
{{- end -}}
{{- if and $hasClientSecret (ne $mechanism "oauthbearer") -}}
{{- include "selvage.problem" "secrets.kafkaSaslClientSecret means nothing without config.kafka.sasl.mechanism oauthbearer." -}}
{{- end -}}
{{- if and (eq $mechanism "aws-msk-iam") (not (and $sasl.awsRegion $tls)) -}}
{{- include "selvage.problem" "config.kafka.sasl.mechanism is aws-msk-iam: it needs awsRegion beside it and config.kafka.tls.enabled." -}}
{{- end -}}
{{- if and (eq $mechanism "plain") (not $tls) -}}
{{- include "selvage.problem" "config.kafka.sasl.mechanism is plain without config.kafka.tls.enabled: the password would travel in clear." -}}
{{- end -}}
{{- range list "kafkaCa" "kafkaClient" -}}
{{- $given := get $.Values.certificates . -}}
{{- if and (or $given.existingSecret $given.existingConfigMap) (not $tls) -}}
{{- include "selvage.problem" (printf "certificates.%s means nothing without config.kafka.tls.enabled." .) -}}
{{- end -}}
{{- end -}}
{{- if not (dig "tls" "rejectUnauthorized" true $kafka) -}}
{{- include "selvage.problem" "config.kafka.tls.rejectUnauthorized is false: anybody in the network could pose as the brokers; give their authorities as certificates.kafkaCa." -}}
{{- end -}}
{{- end }}

{{- define "selvage.problemsSecrets" -}}
{{- $secrets := .Values.secrets -}}
{{- range $name, $_ := include "selvage.secretTable" . | fromYaml -}}
{{- $secret := get $secrets $name -}}
{{- if and $secret.value (or $secret.existingSecret $secret.key) -}}
{{- include "selvage.problem" (printf "secrets.%s has a value and names a Secret: one must go." $name) -}}
{{- else if and $secret.key (not $secret.existingSecret) (not $secrets.existingSecret) -}}
{{- include "selvage.problem" (printf "secrets.%s.key names no Secret: set existingSecret beside it, or secrets.existingSecret." $name) -}}
{{- end -}}
{{- end -}}
{{- range list "kafkaCa" "redisCa" -}}
{{- $given := get $.Values.certificates . -}}
{{- if and $given.existingSecret $given.existingConfigMap -}}
{{- include "selvage.problem" (printf "certificates.%s names a Secret and a ConfigMap: one must go." .) -}}
{{- end -}}
{{- end -}}
{{- range $i, $issuer := dig "auth" "issuers" (list) .Values.config -}}
{{- if $issuer.secret -}}
{{- include "selvage.problem" (printf "config.auth.issuers[%d].secret would stand in a ConfigMap: mount it with files, and name it as secretFile." $i) -}}
{{- end -}}
{{- end -}}
{{- $hasTickets := eq (include "selvage.hasSecret" (dict "root" . "name" "ticketSecret")) "true" -}}
{{- if and (hasKey (dig "auth" (dict) .Values.config) "ticketSeconds") (not $hasTickets) -}}
{{- include "selvage.problem" "config.auth.ticketSeconds means nothing without secrets.ticketSecret." -}}
{{- end -}}
{{- range list "jwtSecret" "ticketSecret" -}}
{{- $value := (get $secrets .).value -}}
{{- if and $value (lt (len $value) 32) -}}
{{- include "selvage.problem" (printf "secrets.%s.value is shorter than 32 bytes: it could be guessed." .) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Whether readers come from outside the cluster. */}}
{{- define "selvage.isExposed" -}}
{{- if or .Values.httpRoute.enabled .Values.ingress.enabled (ne .Values.service.type "ClusterIP") }}true{{ end -}}
{{- end }}

{{- define "selvage.problemsAccess" -}}
{{- $auth := dig "auth" (dict) .Values.config -}}
{{- $isExposed := eq (include "selvage.isExposed" .) "true" -}}
{{- $opensAll := has "**" ($auth.anonymousRead | default list) -}}
{{- if and $isExposed $opensAll (not .Values.acknowledge.anonymousAccess) -}}
{{- include "selvage.problem" "config.auth.anonymousRead has ** and the Service is reached from outside: everybody could read everything; name patterns, or set acknowledge.anonymousAccess." -}}
{{- end -}}
{{- if and $isExposed $auth.anonymousPublish (not .Values.acknowledge.anonymousAccess) -}}
{{- include "selvage.problem" "config.auth.anonymousPublish opens channels and the Service is reached from outside: everybody could write; take it out, or set acknowledge.anonymousAccess." -}}
{{- end -}}
{{- if $auth.allowInsecureJwksUrl -}}
{{- include "selvage.problem" "config.auth.allowInsecureJwksUrl is true: whoever is on the way could put in keys of their own." -}}
{{- end -}}
{{- $ingress := .Values.ingress -}}
{{- $isClear := and $ingress.enabled (not $ingress.tls) (not $ingress.tlsElsewhere) -}}
{{- if and $auth.cookies $isClear -}}
{{- include "selvage.problem" "config.auth.cookies with an Ingress without tls: browsers keep no secure cookie over plain HTTP; set ingress.tls, or ingress.tlsElsewhere where TLS ends in front of it." -}}
{{- end -}}
{{- if and $auth.cookies (ne .Values.service.type "ClusterIP") (not .Values.certificates.serving.existingSecret) -}}
{{- include "selvage.problem" (printf "config.auth.cookies with a Service of type %s and no certificates.serving: browsers keep no secure cookie over plain HTTP." .Values.service.type) -}}
{{- end -}}
{{- $token := eq (include "selvage.hasSecret" (dict "root" . "name" "adminToken")) "true" -}}
{{- if and (not .Values.networkPolicy.enabled) (not $token) -}}
{{- include "selvage.problem" "networkPolicy.enabled is false and there is no secrets.adminToken: every pod of the cluster could end anybody's streams by way of the admin port." -}}
{{- end -}}
{{- end }}

{{- define "selvage.problemsProxies" -}}
{{- $config := .Values.config -}}
{{- $route := .Values.httpRoute -}}
{{- $ingress := .Values.ingress -}}
{{- $service := .Values.service -}}
{{- $isBehindProxy := or $route.enabled $ingress.enabled -}}
{{- if and $route.enabled (not $route.parentRefs) -}}
{{- include "selvage.problem" "httpRoute.enabled needs httpRoute.parentRefs: a route without a Gateway carries nothing." -}}
{{- end -}}
{{- if and $route.enabled (ne (toString $route.timeouts.request) "0s") -}}
{{- include "selvage.problem" (printf "httpRoute.timeouts.request is %v: every stream would be cut after that; it must be 0s." $route.timeouts.request) -}}
{{- end -}}
{{- if and $ingress.enabled (not $ingress.hosts) -}}
{{- include "selvage.problem" "ingress.enabled needs ingress.hosts." -}}
{{- end -}}
{{- if and $route.enabled .Values.certificates.serving.existingSecret (not $route.backendTls) -}}
{{- include "selvage.problem" "certificates.serving with an HTTPRoute: the Gateway would speak plain HTTP to a TLS port; add a BackendTLSPolicy (extraObjects) and set httpRoute.backendTls." -}}
{{- end -}}
{{- $limits := dig "limits" (dict) $config -}}
{{- if and $isBehindProxy (dig "http" "proxyProtocol" false $config) -}}
{{- include "selvage.problem" "config.http.proxyProtocol behind an HTTPRoute or Ingress: HTTP proxies do not write it; use config.limits.trustedProxies." -}}
{{- end -}}
{{- $hasAddressLimits := or ($limits.connectionsPerAddressMax | default 0 | int) ($limits.connectsPerMinutePerAddress | default 0 | int) -}}
{{- if and $isBehindProxy $hasAddressLimits (not $limits.trustedProxies) -}}
{{- include "selvage.problem" "limits of an address without config.limits.trustedProxies behind an HTTPRoute or Ingress: all readers would share the proxy's address." -}}
{{- end -}}
{{- range $limits.trustedProxies -}}
{{- if has . (list "0.0.0.0/0" "::/0") -}}
{{- include "selvage.problem" (printf "config.limits.trustedProxies has %s: everybody could claim any address." .) -}}
{{- end -}}
{{- end -}}
{{- $keepAliveMs := dig "stream" "keepAliveMs" 15000 $config | int -}}
{{- if and (eq (include "selvage.isExposed" .) "true") (ge $keepAliveMs 60000) -}}
{{- include "selvage.problem" (printf "config.stream.keepAliveMs is %d: proxies and balancers cut what is silent for 60 s." $keepAliveMs) -}}
{{- end -}}
{{- if and (eq $service.type "ClusterIP") $service.externalTrafficPolicy -}}
{{- include "selvage.problem" "service.externalTrafficPolicy means nothing with service.type ClusterIP." -}}
{{- end -}}
{{- if and (ne $service.type "LoadBalancer") (or $service.loadBalancerClass $service.loadBalancerSourceRanges) -}}
{{- include "selvage.problem" (printf "service.loadBalancerClass and service.loadBalancerSourceRanges mean nothing with service.type %s." $service.type) -}}
{{- end -}}
{{- end }}

{{- define "selvage.problemsMonitoring" -}}
{{- $policy := .Values.networkPolicy -}}
{{- $hasMonitor := or .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- include "selvage.problem" "serviceMonitor.enabled and podMonitor.enabled are both true: everything would be counted twice." -}}
{{- end -}}
{{- if and $hasMonitor $policy.enabled (not $policy.admin.from) -}}
{{- include "selvage.problem" "a monitor with networkPolicy.enabled and an empty networkPolicy.admin.from: Prometheus could not reach the pods." -}}
{{- end -}}
{{- if and .Values.prometheusRule.enabled (not (.Files.Glob "files/rules/*.yaml")) -}}
{{- include "selvage.problem" "prometheusRule.enabled, but the chart was packed without its rules: run scripts/ops/sync-chart-files.mjs." -}}
{{- end -}}
{{- if and .Values.dashboards.enabled (not (.Files.Glob "files/dashboards/*.json")) -}}
{{- include "selvage.problem" "dashboards.enabled, but the chart was packed without its dashboards: run scripts/ops/sync-chart-files.mjs." -}}
{{- end -}}
{{- end }}
