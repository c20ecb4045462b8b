//go:build never

package main

// Keeps the module whose custom resource definitions `schemas` reads.
import _ "sigs.k8s.io/gateway-api/apis/v1"
