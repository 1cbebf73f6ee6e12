{{/* Names, labels and the restricted security context, said once. */}}

{{- define "eventconsumer.operator" -}}
{{- printf "%s-operator" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "eventconsumer.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: eventconsumer
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "eventconsumer.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "eventconsumer.image" -}}
{{- printf "%s:%s" .image.repository (.image.tag | default .root.Chart.AppVersion) -}}
{{- end }}

{{- define "eventconsumer.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "eventconsumer.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* The operator's credentials as the JSON that it reads: of each Secret only the folder it is mounted in. */ -}}
{{- define "eventconsumer.kafkaCredentials" -}}
{{- $told := list -}}
{{- range $at, $one := .Values.kafkaCredentials -}}
{{- $said := dict "folder" (printf "/etc/eventconsumer/kafka/%d" $at) -}}
{{- $_ := set $said "username" (default $one.secretName $one.username) -}}
{{- range $name := list "authentication" "kafka" "listener" "bootstrapServers" -}}
{{- with get $one $name -}}{{- $_ := set $said $name . -}}{{- end -}}
{{- end -}}
{{- if $one.kafka -}}{{- $_ := set $said "namespace" (default $.Release.Namespace $one.namespace) -}}{{- end -}}
{{- $told = append $told $said -}}
{{- end -}}
{{- toJson $told -}}
{{- end -}}

{{- /* The demo has a Task API too. Non-empty where there is one. */ -}}
{{- define "eventconsumer.taskApi.enabled" -}}
{{- if or .Values.taskApi.enabled .Values.demo.enabled -}}yes{{- end -}}
{{- end -}}

{{- /* The Task API's environment. What it needs to know and is not said stops the installation, by name. */ -}}
{{- define "eventconsumer.taskApi.environment" -}}
{{- $api := .Values.taskApi -}}
{{- if not $api.auth.schemes -}}
{{- fail "taskApi.auth.schemes: say how callers prove who they are: {api_key}, {jwt} or {jwt,api_key}; {none} lets everybody do everything, for a demo of your own" -}}
{{- end -}}
- name: AUTH
  value: {{ join "," $api.auth.schemes | quote }}
{{- with $api.auth.jwt }}
{{- if has "jwt" $api.auth.schemes }}
- name: JWT_ISSUER
  value: {{ .issuer | quote }}
- name: JWT_AUDIENCE
  value: {{ .audience | quote }}
- name: JWT_ADMIN_SCOPE
  value: {{ .adminScope | quote }}
- name: JWT_ALGORITHMS
  value: {{ join "," .algorithms | quote }}
{{- if .jwksSecret.name }}
- name: JWT_JWKS_FILE
  value: /etc/task-api/jwks/jwks.json
{{- else }}
- name: JWT_JWKS_URL
  value: {{ .jwksUrl | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- with $api.rateLimit }}
- name: RATE_LIMIT
  value: {{ . | quote }}
{{- end }}
{{- with $api.corsOrigins }}
- name: CORS_ORIGINS
  value: {{ join "," . | quote }}
{{- end }}
{{- with $api.trustedProxies }}
- name: TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
- name: DATABASE_URL
{{- with $api.database.postgresql.urlSecret }}
{{- if .name }}
  valueFrom:
    secretKeyRef: {name: {{ .name }}, key: {{ .key }}}
{{- else }}
  value: sqlite:////var/lib/task-api/tasks.db
{{- end }}
{{- end }}
- name: DATABASE_POOL_SIZE
  value: {{ $api.database.postgresql.poolSize | quote }}
- name: DATABASE_TIMEOUT_SECONDS
  value: {{ $api.database.timeoutSeconds | quote }}
- name: DATABASE_MIGRATIONS
  value: {{ $api.database.migrations }}
- name: KAFKA_BOOTSTRAP_SERVERS
  value: {{ $api.kafka.bootstrapServers | quote }}
- name: KAFKA_TOPIC
  value: {{ $api.kafka.topic | quote }}
{{- with $api.kafka }}
- name: KAFKA_SECURITY_PROTOCOL
  value: {{ printf "%s%s" (ternary "SASL_" "" (ne .sasl.mechanism "")) (ternary "SSL" "PLAINTEXT" .tls.enabled) }}
{{- if and .tls.enabled .tls.caSecret.name }}
- name: KAFKA_CA_LOCATION
  value: /etc/task-api/kafka/ca/ca.crt
{{- end }}
{{- if .tls.certificateSecret }}
- name: KAFKA_CERTIFICATE_LOCATION
  value: /etc/task-api/kafka/certificate/user.crt
- name: KAFKA_KEY_LOCATION
  value: /etc/task-api/kafka/certificate/user.key
{{- end }}
{{- if .sasl.mechanism }}
- name: KAFKA_SASL_MECHANISM
  value: {{ .sasl.mechanism }}
- name: KAFKA_SASL_USERNAME
  value: {{ .sasl.username | quote }}
- name: KAFKA_SASL_PASSWORD_FILE
  value: /etc/task-api/kafka/password/password
{{- end }}
{{- end }}
- name: EVENT_FORMAT
  value: {{ $api.events.format }}
{{- with $api.events.schemaRegistry }}
{{- if .url }}
- name: SCHEMA_REGISTRY_URL
  value: {{ .url | quote }}
{{- end }}
{{- if .passwordSecret.name }}
- name: SCHEMA_REGISTRY_USERNAME
  value: {{ .username | quote }}
- name: SCHEMA_REGISTRY_PASSWORD_FILE
  value: /etc/task-api/schema-registry/password
{{- end }}
{{- end }}
- name: RELAY
  value: {{ ternary "on" "off" $api.relay | quote }}
- name: LOG_LEVEL
  value: {{ upper $api.logLevel }}
- name: LOG_FORMAT
  value: {{ $api.logFormat }}
{{- with $api.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The Secrets of the Task API's connection to Kafka, each by the folder that it is mounted in. */ -}}
{{- define "eventconsumer.taskApi.kafkaSecrets" -}}
{{- with .Values.taskApi.kafka }}
{{- if and .tls.enabled .tls.caSecret.name }}
ca: {secretName: {{ .tls.caSecret.name }}, items: [{key: {{ .tls.caSecret.key }}, path: ca.crt}]}
{{- end }}
{{- if .tls.certificateSecret }}
certificate: {secretName: {{ .tls.certificateSecret }}, items: [{key: user.crt, path: user.crt}, {key: user.key, path: user.key}]}
{{- end }}
{{- if .sasl.mechanism }}
password: {secretName: {{ .sasl.passwordSecret.name }}, items: [{key: {{ .sasl.passwordSecret.key }}, path: password}]}
{{- end }}
{{- end }}
{{- end -}}
