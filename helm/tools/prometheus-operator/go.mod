// Pins the definitions of ServiceMonitor and PrometheusRule that the chart is checked against. Nothing is built from it.
module todo/helm/tools/prometheus-operator

go 1.24.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
