{{/* The provisioning files of Grafana. */}}
{{- define "todo.grafanaDatasources" -}}
apiVersion: 1
datasources:
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: http://{{ include "todo.fullname" . }}-prometheus:9090
    isDefault: true
    jsonData:
      httpMethod: POST
      timeInterval: {{ .Values.monitoring.prometheus.interval }}
{{- end }}

{{- define "todo.grafanaProviders" -}}
apiVersion: 1
providers:
  - name: todo
    type: file
    folder: Todo
    allowUiUpdates: false
    options:
      path: /etc/dashboards
{{- end }}

{{/* The ConfigMap of a dashboard. The argument is (list $ PATH). */}}
{{- define "todo.dashboardName" -}}
{{ include "todo.fullname" (index . 0) }}-dashboard-{{ index . 1 | base | trimSuffix ".json" }}
{{- end }}
