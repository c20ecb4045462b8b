package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

type object = map[string]any

const prefix = "#/definitions/"

// Writes a JSON schema for each kind, with the file name that kubeconform expects. It refuses unknown fields.
func schemas(directory, swagger string, crds []string) error {
	text, err := os.ReadFile(swagger)
	if err != nil {
		return err
	}
	var document struct{ Definitions object }
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("%s: %w", swagger, err)
	}
	for _, definition := range document.Definitions {
		closeObjects(definition)
	}
	for name, definition := range document.Definitions {
		kinds, _ := definition.(object)["x-kubernetes-group-version-kind"].([]any)
		// A definition with several kinds is shared by all of them, such as DeleteOptions.
		if len(kinds) != 1 {
			continue
		}
		needed := object{}
		collect(document.Definitions, name, needed)
		kind := kinds[0].(object)
		schema := object{"$ref": prefix + name, "definitions": needed}
		if err := write(directory, kind["group"].(string), kind["version"].(string), kind["kind"].(string), schema); err != nil {
			return err
		}
	}
	for _, path := range crds {
		if err := crdSchemas(directory, path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func crdSchemas(directory, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPIV3Schema object `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return err
	}
	for _, version := range crd.Spec.Versions {
		schema := version.Schema.OpenAPIV3Schema
		closeObjects(schema)
		// The API server adds the schema of the metadata itself.
		schema["properties"].(object)["metadata"] = object{"type": "object"}
		if err := write(directory, crd.Spec.Group, version.Name, crd.Spec.Names.Kind, schema); err != nil {
			return err
		}
	}
	return nil
}

func write(directory, group, version, kind string, schema object) error {
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	name := strings.ToLower(kind)
	if group != "" {
		name += "-" + strings.ToLower(strings.Split(group, ".")[0])
	}
	return os.WriteFile(filepath.Join(directory, name+"-"+version+".json"), text, 0o644)
}

// Copies a definition and all definitions that it references.
func collect(definitions object, name string, into object) {
	if _, there := into[name]; there {
		return
	}
	into[name] = definitions[name]
	references(definitions[name], func(reference string) { collect(definitions, reference, into) })
}

func references(value any, found func(string)) {
	switch value := value.(type) {
	case object:
		if reference, ok := value["$ref"].(string); ok {
			found(strings.TrimPrefix(reference, prefix))
		}
		for _, child := range value {
			references(child, found)
		}
	case []any:
		for _, child := range value {
			references(child, found)
		}
	}
}

// Refuses unknown fields, and converts OpenAPI keywords to those of JSON schema.
func closeObjects(value any) {
	switch value := value.(type) {
	case object:
		_, hasProperties := value["properties"].(object)
		_, hasAdditional := value["additionalProperties"]
		if hasProperties && !hasAdditional && value["x-kubernetes-preserve-unknown-fields"] != true {
			value["additionalProperties"] = false
		}
		if value["format"] == "int-or-string" || value["x-kubernetes-int-or-string"] == true {
			delete(value, "format")
			value["type"] = []any{"integer", "string"}
		}
		if description, _ := value["description"].(string); strings.HasPrefix(description, "Quantity is a fixed-point") {
			value["type"] = []any{"number", "string"}
		}
		for _, child := range value {
			closeObjects(child)
		}
	case []any:
		for _, child := range value {
			closeObjects(child)
		}
	}
}
