// Pins the version of Kubernetes whose schemas the chart is checked against. Nothing is built from it.
module todo/helm/tools/kubernetes

go 1.24.0

require k8s.io/kubernetes v1.34.4
