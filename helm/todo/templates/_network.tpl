{{/* Which component answers below which path, as JSON: for Ingress and HTTPRoute alike. */}}
{{- define "todo.routes" -}}
{{ dict "/" "frontend" "/api" "backend" "/mcp" "backend" | toJson }}
{{- end }}

{{/* A component's pods as the peer of a NetworkPolicy. Takes (list $ COMPONENT). */}}
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

{{/* Who may read metrics: nothing when nobody. */}}
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
