{{/* The alerts, for the chart's Prometheus and for a PrometheusRule. docs/operations.md has a runbook for each. */}}
{{- define "todo.rules" -}}
{{- $alerts := .Values.monitoring.alerts -}}
{{- $here := printf "namespace=%q" .Release.Namespace -}}
{{- $parts := printf "%s, component=~\"backend|frontend\"" $here -}}
{{- $requests := printf "%s, route!~\"/ready|(/api)?/health\"" $parts -}}
{{- $budget := subf 1 (divf $alerts.objectivePercent 100) -}}
groups:
  - name: {{ include "todo.fullname" . }}
    rules:
      {{- range $burn := list
          (dict "alert" "TodoHighErrorRate" "severity" "critical" "windows" $alerts.fastBurn)
          (dict "alert" "TodoErrorBudgetBurning" "severity" "warning" "windows" $alerts.slowBurn) }}
      {{- $limit := mulf $burn.windows.factor $budget | printf "%.6g" }}
      - alert: {{ $burn.alert }}
        expr: |
          {{- range $index, $window := list $burn.windows.long $burn.windows.short }}
          {{- if $index }}
          and
          {{- end }}
          sum by (namespace) (rate(http_requests_total{ {{- $requests }}, status="5xx"}[{{ $window }}]))
            / sum by (namespace) (rate(http_requests_total{ {{- $requests }}}[{{ $window }}])) > {{ $limit }}
          {{- end }}
        labels:
          severity: {{ $burn.severity }}
        annotations:
          summary: '{{`{{ $value | humanizePercentage }}`}} of all requests fail'
          description: >-
            In the last {{ $burn.windows.long }}, and still, more requests were answered with 5xx than the objective of
            {{ $alerts.objectivePercent }} % allows for {{ $burn.windows.factor }} times the time.
          runbook_url: {{ $alerts.runbooks }}#requests-fail
      {{- end }}
      - alert: TodoSlow
        expr: |
          histogram_quantile(0.99, sum by (component, le) (
            rate(http_request_duration_seconds_bucket{ {{- $requests }}}[{{ $alerts.window }}])
          )) > {{ $alerts.slowSeconds }}
        for: {{ $alerts.for }}
        labels:
          severity: warning
        annotations:
          summary: 'One of 100 requests to the {{`{{ $labels.component }}`}} takes {{`{{ $value | humanizeDuration }}`}} or more'
          description: The 99th percentile of the time until an answer begins is over {{ $alerts.slowSeconds }} s.
          runbook_url: {{ $alerts.runbooks }}#requests-are-slow
      - alert: TodoNotReady
        expr: |
          (ready{ {{- $parts }}} or up{ {{- $parts }}}) == 0
          or absent(up{ {{- $here }}, component="backend"})
        for: {{ $alerts.for }}
        labels:
          severity: critical
        annotations:
          summary: '{{`{{ $labels.component }} {{ $labels.pod }}`}} is not ready'
          description: It is not reachable, says that it is not ready, or there is none at all.
          runbook_url: {{ $alerts.runbooks }}#pods-are-not-ready
      - alert: TodoRestarting
        expr: sum by (component, pod) (changes(process_start_time_seconds{ {{- $parts }}}[{{ $alerts.restartWindow }}])) > 2
        labels:
          severity: warning
        annotations:
          summary: '{{`{{ $labels.pod }} was restarted {{ $value }} times`}}'
          description: In the last {{ $alerts.restartWindow }} its process was restarted repeatedly.
          runbook_url: {{ $alerts.runbooks }}#pods-restart
      - alert: TodoDatabaseAway
        expr: min by (namespace) (database_up{ {{- $here }}}) == 0
        for: {{ $alerts.for }}
        labels:
          severity: critical
        annotations:
          summary: The database does not answer
          description: A backend cannot reach PostgreSQL, and answers 503 meanwhile.
          runbook_url: {{ $alerts.runbooks }}#the-database-is-away
      - alert: TodoDiskFilling
        expr: |
          kubelet_volume_stats_available_bytes{ {{- $here }}, persistentvolumeclaim=~"data-{{ include "todo.fullname" . }}-.+"}
            / kubelet_volume_stats_capacity_bytes < {{ subf 1 (divf $alerts.fullPercent 100) | printf "%.6g" }}
          {{- if .Values.postgres.enabled }}
          or max by (namespace) (pg_database_size_bytes{ {{- $here }}}) > {{ include "todo.bytes" .Values.postgres.storage.size | mulf (divf $alerts.fullPercent 100) | printf "%.0f" }}
          {{- end }}
        for: {{ $alerts.for }}
        labels:
          severity: warning
        annotations:
          summary: A volume is more than {{ $alerts.fullPercent }} % full
          description: PostgreSQL stops when its volume is full.
          runbook_url: {{ $alerts.runbooks }}#the-disk-fills
      - alert: TodoModelFailing
        expr: |
          sum by (namespace) (rate(chat_model_errors_total{ {{- $here }}}[{{ $alerts.window }}]))
            / sum by (namespace) (
              rate(chat_model_errors_total{ {{- $here }}}[{{ $alerts.window }}]) or rate(chat_model_answer_seconds_count{ {{- $here }}}[{{ $alerts.window }}])
            ) > 0.2
        for: {{ $alerts.for }}
        labels:
          severity: warning
        annotations:
          summary: 'The language model fails {{`{{ $value | humanizePercentage }}`}} of the time'
          description: The chat tells its users that the model cannot be reached or does not answer.
          runbook_url: {{ $alerts.runbooks }}#the-language-model-fails
{{- end }}

{{/* Converts a Kubernetes quantity to a number of bytes. */}}
{{- define "todo.bytes" -}}
{{- $unit := regexFind "[A-Za-z]+$" . -}}
{{- $factor := get (dict "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776) $unit | default 1 -}}
{{- mulf (trimSuffix $unit . | float64) $factor | printf "%.0f" -}}
{{- end }}
