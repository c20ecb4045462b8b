{{/* What is the same for every pod. Takes (list $ COMPONENT UID). */}}
{{- define "todo.podSpec" -}}
{{- $root := index . 0 -}}
{{- $values := include "todo.values" . | fromJson -}}
serviceAccountName: {{ include "todo.fullname" $root }}-{{ index . 1 }}
{{- /* Only Prometheus asks the API server, where its targets are. */}}
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
{{- /* Evenly over the nodes, each revision for itself. */}}
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

{{/* What is the same for every container. */}}
{{- define "todo.containerSecurityContext" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* Drain and time limit have to end before the kubelet's patience does. */}}
{{- define "todo.gracePeriod" -}}
{{ add .Values.config.shutdownDrainSeconds .Values.config.shutdownTimeoutSeconds 5 }}
{{- end }}
