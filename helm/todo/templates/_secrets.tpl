{{/*
The Secret's data, as JSON. Once for each rendering, so that the Secret and its checksum agree: given values, else those
the cluster has, else new ones.
*/}}
{{- define "todo.secrets" -}}
{{- if not (hasKey .Release "todoSecrets") -}}
{{- $_ := set .Release "todoSecrets" (include "todo.makeSecrets" .) -}}
{{- end -}}
{{- .Release.todoSecrets -}}
{{- end }}

{{- define "todo.makeSecrets" -}}
{{- $secrets := .Values.secrets -}}
{{- $kept := dict -}}
{{- with lookup "v1" "Secret" .Release.Namespace (include "todo.secretName" .) }}{{ $kept = .data | default dict }}{{ end -}}
{{- if $secrets.existingSecret -}}
{{- $kept | toJson -}}
{{- else -}}
{{- $data := dict "OPENAI_API_KEY" ($secrets.openaiApiKey | b64enc) -}}
{{- $_ := set $data "SECRET_KEY" ($secrets.secretKey | b64enc | default $kept.SECRET_KEY | default (randAlphaNum 48 | b64enc)) -}}
{{- if .Values.postgres.enabled -}}
{{- $password := $kept.POSTGRES_PASSWORD | default (randAlphaNum 32 | b64enc) -}}
{{- $_ := set $data "POSTGRES_PASSWORD" $password -}}
{{- $url := printf "postgres://todo:%s@%s-postgres:5432/todo" ($password | b64dec) (include "todo.fullname" .) -}}
{{- $_ := set $data "DATABASE_URL" ($url | b64enc) -}}
{{- else -}}
{{- with $kept.POSTGRES_PASSWORD }}{{ $_ := set $data "POSTGRES_PASSWORD" . }}{{ end -}}
{{- $_ := set $data "DATABASE_URL" ($secrets.databaseUrl | b64enc) -}}
{{- end -}}
{{- $data | toJson -}}
{{- end -}}
{{- end }}

{{- define "todo.checkSecrets" -}}
{{- $secrets := .Values.secrets -}}
{{- if and $secrets.existingSecret (or $secrets.databaseUrl $secrets.secretKey $secrets.openaiApiKey) -}}
{{- fail "secrets.existingSecret is set, so secrets.databaseUrl, secrets.secretKey and secrets.openaiApiKey must be empty: put DATABASE_URL, SECRET_KEY and OPENAI_API_KEY into that Secret" -}}
{{- end -}}
{{- if and .Values.postgres.enabled $secrets.databaseUrl -}}
{{- fail "secrets.databaseUrl is set and postgres.enabled is true: set postgres.enabled=false to use the external database, or leave secrets.databaseUrl empty" -}}
{{- end -}}
{{- if not (or .Values.postgres.enabled $secrets.existingSecret) -}}
{{- if not $secrets.databaseUrl -}}
{{- fail "postgres.enabled is false: set secrets.databaseUrl to the external database's postgres:// URL, or secrets.existingSecret to the name of a Secret with the key DATABASE_URL" -}}
{{- else if not (regexMatch "^postgres(ql)?://" $secrets.databaseUrl) -}}
{{- fail "secrets.databaseUrl must begin with postgres:// or postgresql://" -}}
{{- end -}}
{{- end -}}
{{- end }}
