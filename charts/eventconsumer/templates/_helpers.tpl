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
