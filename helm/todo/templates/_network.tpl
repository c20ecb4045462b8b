{{/* The component of each path prefix, as JSON, for both Ingress and HTTPRoute. */}}
{{- define "todo.routes" -}}
{{ dict "/" "frontend" "/api" "backend" "/mcp" "backend" | toJson }}
{{- end }}

{{/* The pods of a component as a peer of a NetworkPolicy. The argument is (list $ COMPONENT). */}}
{{- define "todo.peer" -}}
- podSelector:
    matchLabels:
      {{- include "todo.selector" . | nindent 6 }}
{{- end }}

{{- define "todo.dnsRule" -}}
- ports:
    {{- range .Values.networkPolicy.dnsPorts }}
    - port: {{ . }}
      protocol: UDP
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  {{- with .Values.networkPolicy.dnsTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The rule of a NetworkPolicy for clients that may read metrics. Empty if there are none. */}}
{{- define "todo.metricsRule" -}}
{{- if or .Values.monitoring.enabled .Values.networkPolicy.metricsFrom -}}
- from:
    {{- with .Values.networkPolicy.metricsFrom }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if .Values.monitoring.enabled }}
    {{- include "todo.peer" (list . "prometheus") | nindent 4 }}
    {{- end }}
  ports: [{ port: metrics }]
{{- end }}
{{- end }}
