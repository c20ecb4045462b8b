{{/* prometheus.yml, which selects the same pods and sets the same labels as the ServiceMonitor. */}}
{{- define "todo.prometheusConfig" -}}
{{- $values := .Values.monitoring.prometheus -}}
global:
  scrape_interval: {{ $values.interval }}
  evaluation_interval: {{ $values.interval }}
rule_files: [/etc/prometheus/rules.yml]
scrape_configs:
  - job_name: todo
    kubernetes_sd_configs:
      - role: pod
        namespaces:
          names: [{{ .Release.Namespace }}]
        selectors:
          - role: pod
            label: app.kubernetes.io/name=todo,app.kubernetes.io/instance={{ .Release.Name }}
    relabel_configs:
      - source_labels: [__meta_kubernetes_pod_container_port_name]
        regex: metrics
        action: keep
      - source_labels: [__meta_kubernetes_pod_phase]
        regex: Succeeded|Failed
        action: drop
      - source_labels: [__meta_kubernetes_namespace]
        target_label: namespace
      - source_labels: [__meta_kubernetes_pod_name]
        target_label: pod
      - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_component]
        target_label: component
      - source_labels: [component]
        target_label: job
        replacement: {{ include "todo.fullname" . }}-$1
{{- if .Values.monitoring.nodeMetrics }}
{{- range $job, $path := dict "cadvisor" "/metrics/cadvisor" "kubelet" "/metrics" }}
  - job_name: {{ $job }}
    scheme: https
    metrics_path: {{ $path }}
    authorization:
      credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token
    {{- /* The certificates of kubelets are self-signed. */}}
    tls_config:
      insecure_skip_verify: true
    kubernetes_sd_configs:
      - role: node
    metric_relabel_configs:
      - source_labels: [__name__, namespace]
        regex: (container_cpu_usage_seconds_total|container_memory_working_set_bytes|kubelet_volume_stats_(available|capacity)_bytes);{{ $.Release.Namespace }}
        action: keep
{{- end }}
{{- end }}
{{- end }}
