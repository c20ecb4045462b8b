// Checks of the chart that need the libraries of Kubernetes.
//
//	manifests pod-security MANIFESTS
//	manifests schemas DIRECTORY SWAGGER CRD...
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "pod-security":
		return podSecurity(arguments[1])
	case len(arguments) >= 3 && arguments[0] == "schemas":
		return schemas(arguments[1], arguments[2], arguments[3:])
	}
	return fmt.Errorf("usage: manifests pod-security MANIFESTS | schemas DIRECTORY SWAGGER CRD...")
}
