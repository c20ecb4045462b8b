//go:build never

package main

// Imports the module whose custom resource definitions `schemas` reads, so that go.mod keeps it.
import _ "sigs.k8s.io/gateway-api/apis/v1"
