// Writes an image of nix2container as an uncompressed docker-archive: image-archive IMAGE FILE.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/nlewo/nix2container/nix"
)

// The manifest, which `docker load` reads first.
type manifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: image-archive IMAGE FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "image-archive: %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func write(source, target string) error {
	image, err := nix.NewImageFromFile(source)
	if err != nil {
		return err
	}
	file, err := os.Create(target)
	if err != nil {
		return err
	}
	defer file.Close()
	archive := tar.NewWriter(file)
	add := func(name string, size int64, content io.Reader) error {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o444, Size: size}); err != nil {
			return err
		}
		_, err := io.Copy(archive, content)
		return err
	}

	config, err := nix.GetConfigBlob(image)
	if err != nil {
		return err
	}
	digest, size, err := nix.GetConfigDigest(image)
	if err != nil {
		return err
	}
	index := manifest{Config: digest.Encoded() + ".json", Layers: []string{}}
	if err := add(index.Config, size, bytes.NewReader(config)); err != nil {
		return err
	}
	for _, layer := range image.Layers {
		name := strings.TrimPrefix(layer.Digest, "sha256:") + ".tar"
		blob, _, err := nix.LayerGetBlob(layer)
		if err != nil {
			return err
		}
		err = add(name, layer.Size, blob)
		blob.Close()
		if err != nil {
			return err
		}
		index.Layers = append(index.Layers, name)
	}
	text, err := json.Marshal([]manifest{index})
	if err != nil {
		return err
	}
	if err := add("manifest.json", int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return file.Close()
}
