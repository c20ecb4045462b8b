{{/* The fields that every pod has in common. The argument is (list $ COMPONENT UID). */}}
{{- define "todo.podSpec" -}}
{{- $root := index . 0 -}}
{{- $values := include "todo.values" . | fromJson -}}
serviceAccountName: {{ include "todo.fullname" $root }}-{{ index . 1 }}
{{- /* Only Prometheus uses the API server, to discover its targets. */}}
automountServiceAccountToken: {{ eq (index . 1) "prometheus" }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ index . 2 }}
  runAsGroup: {{ index . 2 }}
  fsGroup: {{ index . 2 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if include "todo.replicated" . }}
{{- /* The pods of each revision are spread evenly over the nodes. */}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "todo.selector" . | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}

{{/* The fields that every container has in common. */}}
{{- define "todo.containerFields" -}}
{{- /* `kubectl describe` shows why a container ended: the end of its log. */}}
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* The termination grace period, which has to be longer than draining and the shutdown timeout. */}}
{{- define "todo.gracePeriod" -}}
{{ add .Values.config.shutdownDrainSeconds .Values.config.shutdownTimeoutSeconds 5 }}
{{- end }}
