package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// A Pod, or an object with a pod template.
type workload struct {
	Kind     string            `json:"kind"`
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		corev1.PodSpec
		Template *corev1.PodTemplateSpec `json:"template"`
	} `json:"spec"`
}

// Evaluates every pod as a namespace with enforce=restricted does. Fails if a pod would be refused, or if there is none.
func podSecurity(path string) error {
	input, err := os.Open(path)
	if err != nil {
		return err
	}
	defer input.Close()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(input))
	pods, refused := 0, error(nil)
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		var object workload
		var kind struct{ Kind string }
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return err
		}
		switch kind.Kind {
		case "Pod", "Deployment", "StatefulSet", "DaemonSet", "Job":
		default:
			continue
		}
		if err := yaml.Unmarshal(document, &object); err != nil {
			return err
		}
		spec := &object.Spec.PodSpec
		if object.Spec.Template != nil {
			spec = &object.Spec.Template.Spec
		}
		pods++
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &object.Metadata, spec))
		if !result.Allowed {
			err := fmt.Errorf("%s %s: %s", object.Kind, object.Metadata.Name, result.ForbiddenDetail())
			refused = errors.Join(refused, err)
		}
	}
	if pods == 0 {
		return errors.New("there is no pod to judge")
	}
	if refused == nil {
		fmt.Printf("%d kinds of pods admitted\n", pods)
	}
	return refused
}
