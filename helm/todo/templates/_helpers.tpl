{{/* The prefix of all names: the name of the release, with the chart's name unless it contains that. Its length is limited by
     the names of a StatefulSet's pods. */}}
{{- define "todo.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "todo" $name) }}{{ $name = printf "%s-todo" $name }}{{ end -}}
{{- $name | trunc 43 | trimSuffix "-" -}}
{{- end }}

{{/* The labels by which pods are selected. The argument is (list $ COMPONENT), as for all templates below. */}}
{{- define "todo.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: todo
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "todo.labels" -}}
{{- $root := index . 0 -}}
{{ include "todo.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The labels of a pod. They omit the version of the chart, since its change alone must not replace pods. */}}
{{- define "todo.podLabels" -}}
{{ include "todo.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
{{- end }}

{{- define "todo.metadata" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
name: {{ include "todo.fullname" $root }}-{{ $component }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "todo.labels" . | nindent 2 }}
{{- end }}

{{/* The values of a component, as JSON. */}}
{{- define "todo.values" -}}
{{- $root := index . 0 -}}
{{- index $root.Values (index . 1) | default (index $root.Values.monitoring (index . 1)) | default dict | toJson -}}
{{- end }}

{{- define "todo.image" -}}
{{- $root := index . 0 -}}
{{- $image := (include "todo.values" . | fromJson).image -}}
image: {{ printf "%s:%s" $image.repository (default $root.Chart.AppVersion $image.tag) | quote }}
imagePullPolicy: {{ $image.pullPolicy }}
{{- end }}

{{/* Not empty if the component may have more than one pod. */}}
{{- define "todo.replicated" -}}
{{- $values := include "todo.values" . | fromJson -}}
{{- $replicas := $values.replicas -}}
{{- if dig "autoscaling" "enabled" false $values }}{{ $replicas = $values.autoscaling.maxReplicas }}{{ end -}}
{{- if gt (int $replicas) 1 }}true{{ end -}}
{{- end }}

{{- define "todo.configMapName" -}}
{{ include "todo.fullname" . }}-config
{{- end }}

{{- define "todo.secretName" -}}
{{ .Values.secrets.existingSecret | default (printf "%s-secrets" (include "todo.fullname" .)) }}
{{- end }}

{{/* Not empty if Grafana is enabled. */}}
{{- define "todo.grafana" -}}
{{- if and .Values.monitoring.enabled .Values.monitoring.grafana.enabled }}true{{ end -}}
{{- end }}

{{- define "todo.grafanaSecretName" -}}
{{ .Values.monitoring.grafana.existingSecret | default (printf "%s-grafana" (include "todo.fullname" .)) }}
{{- end }}
