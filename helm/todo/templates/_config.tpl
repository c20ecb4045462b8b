{{/* The data of the ConfigMap. */}}
{{- define "todo.config" -}}
{{- $config := .Values.config -}}
BACKEND_URL: http://{{ include "todo.fullname" . }}-backend:8000
LOG_LEVEL: {{ $config.logLevel | quote }}
CORS_ORIGINS: {{ join "," $config.corsOrigins | quote }}
MCP_ALLOWED_HOSTS: {{ include "todo.mcpHosts" . | fromJsonArray | join "," | quote }}
COOKIE_SECURE: {{ $config.cookieSecure | quote }}
TRUSTED_PROXY_HOPS: {{ $config.trustedProxyHops | quote }}
PASSWORD_HASH_CONCURRENCY: {{ $config.passwordHashConcurrency | quote }}
SIGN_UPS_PER_HOUR: {{ $config.signUpsPerHour | int | quote }}
MAX_SESSIONS_PER_USER: {{ $config.maxSessionsPerUser | quote }}
MAX_TOKENS_PER_USER: {{ $config.maxTokensPerUser | quote }}
MAX_TASKS_PER_USER: {{ $config.maxTasksPerUser | int | quote }}
MAX_TASK_BYTES_PER_USER: {{ $config.maxTaskBytesPerUser | int | quote }}
DATABASE_MAX_CONNECTIONS: {{ $config.databaseMaxConnections | quote }}
REQUEST_TIMEOUT_SECONDS: {{ $config.requestTimeoutSeconds | quote }}
SHUTDOWN_DRAIN_SECONDS: {{ $config.shutdownDrainSeconds | quote }}
SHUTDOWN_TIMEOUT_SECONDS: {{ $config.shutdownTimeoutSeconds | quote }}
REVISION: {{ $config.revision | quote }}
OPENAI_BASE_URL: {{ $config.openaiBaseUrl | quote }}
OPENAI_MODEL: {{ $config.openaiModel | quote }}
CHAT_TURNS_PER_MINUTE: {{ $config.chatTurnsPerMinute | quote }}
CHAT_TURN_TIMEOUT_SECONDS: {{ $config.chatTurnTimeoutSeconds | quote }}
MAX_TURNS_PER_USER: {{ $config.maxTurnsPerUser | int64 | quote }}
MAX_TURNS: {{ $config.maxTurns | int64 | quote }}
MAX_CONVERSATIONS_PER_USER: {{ $config.maxConversationsPerUser | int64 | quote }}
CHAT_TURNS_PER_DAY: {{ $config.chatTurnsPerDay | int64 | quote }}
CHAT_TOKENS_PER_DAY: {{ $config.chatTokensPerDay | int64 | quote }}
CHAT_TOTAL_TURNS_PER_DAY: {{ $config.chatTotalTurnsPerDay | int64 | quote }}
CHAT_TOTAL_TOKENS_PER_DAY: {{ $config.chatTotalTokensPerDay | int64 | quote }}
{{- end }}

{{/* The hosts by which MCP clients may call the backend, with any port, as JSON: localhost for a port-forward, the Service,
     the routes, and the values. */}}
{{- define "todo.mcpHosts" -}}
{{- $service := printf "%s-backend" (include "todo.fullname" .) -}}
{{- $inNamespace := printf "%s.%s" $service .Release.Namespace -}}
{{- $svc := printf "%s.svc" $inNamespace -}}
{{- $hosts := list "localhost" "127.0.0.1" "::1" $service $inNamespace $svc (printf "%s.cluster.local" $svc) -}}
{{- /* The hosts are included also if the route is disabled, so that enabling it replaces no pod. A pattern is omitted:
       the values can list its hosts. */}}
{{- range list .Values.ingress.host .Values.httpRoute.host }}
{{- if not (hasPrefix "*" .) }}{{ $hosts = append $hosts . }}{{ end }}
{{- end }}
{{- concat $hosts .Values.config.mcpAllowedHosts | uniq | toJson -}}
{{- end }}

{{/* The environment of a backend container. */}}
{{- define "todo.backendEnv" -}}
envFrom:
  - configMapRef:
      name: {{ include "todo.configMapName" . }}
env:
  - name: HOST
    value: 0.0.0.0
  {{- range list "DATABASE_URL" "SECRET_KEY" "OPENAI_API_KEY" }}
  - name: {{ . }}
    valueFrom:
      secretKeyRef:
        name: {{ include "todo.secretName" $ }}
        key: {{ . }}
        {{- if eq . "OPENAI_API_KEY" }}
        optional: true
        {{- end }}
  {{- end }}
{{- end }}
