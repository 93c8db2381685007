// Makes the SDK of a Pulumi package in one language from its schema, with Pulumi's own generators:
//
//	sdk-generator <language> <schema.json> <folder>
//
// Whatever Pulumi says of the schema, warnings too, is an error. It is built from this file and one of the others,
// each of which needs another version of Pulumi's modules.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const tool = "pulumi-cpaas"

type generator func(pkg *schema.Package) (map[string][]byte, error)

// The schema refers to no package but its own, so nothing has to be loaded.
type noPackages struct{ schema.ReferenceLoader }

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	languages := strings.Join(slices.Sorted(maps.Keys(generators)), "|")
	if len(args) != 3 || generators[args[0]] == nil {
		return fmt.Errorf("usage: sdk-generator %s <schema.json> <folder>", languages)
	}
	language, source, folder := args[0], args[1], args[2]
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	pkg, diagnostics, err := bind(spec)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	var wrong []error
	for _, diagnostic := range diagnostics {
		wrong = append(wrong, fmt.Errorf("%s: %s %s", source, diagnostic.Summary, diagnostic.Detail))
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	files, err := generators[language](pkg)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", source, language, err)
	}
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
