// Package pkg_test holds the rules of the tree.
package pkg_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// This is policy. Change it in review, when the design changes; not to make a build pass.

type rule struct {
	name    string
	imports []string
	tests   []string // what its tests may import besides
}

// ours says which packages of ours a package may import. A pattern's * stands for anything; the first pattern that fits
// a package holds. A package that no pattern fits, and a pattern that fits no package, are mistakes.
var ours = []rule{
	{name: "pkg/jsonscan"},
	{name: "pkg/event", imports: []string{"pkg/jsonscan"}},
	{name: "pkg/record", imports: []string{"pkg/jsonscan"}},
	{name: "pkg/firehose", imports: []string{"pkg/jsonscan"}},
	{name: "pkg/authorizer"},
	{name: "pkg/telemetry", tests: []string{"pkg/telemetry/emftest", "pkg/telemetry/xraytest"}},
	{name: "pkg/telemetry/emftest"},
	{name: "pkg/telemetry/xraytest"},
	// What is called does not know who counts: the functions hand it a recorder.
	{name: "pkg/transform", imports: []string{"pkg/event", "pkg/record", "pkg/firehose"}},
	{name: "pkg/dlq", imports: []string{"pkg/event", "pkg/record", "pkg/firehose"}, tests: []string{"pkg/transform"}},
	{name: "functions/internal/runtimetest"},
	{name: "functions/*", imports: []string{"pkg/event", "pkg/record", "pkg/firehose", "pkg/telemetry", "pkg/transform", "pkg/dlq", "pkg/authorizer"}, tests: []string{"functions/internal/runtimetest", "pkg/telemetry/emftest", "pkg/telemetry/xraytest"}},
	// The runner knows AWS and never us: shapes that both sides shared would hide a wrong name on both.
	{name: "pkg/local/internal/*", imports: []string{"pkg/local/internal/*"}},
	// Its tests hold the template against what is deployed with it.
	{name: "pkg/local", imports: []string{"pkg/local/internal/*"}, tests: []string{"pkg/event", "pkg/dlq", "pkg/firehose", "pkg/telemetry/emftest", "pkg/local/runnertest"}},
	{name: "pkg/local/runnertest"},
	{name: "pkg/tools/internal/*"},
	// The dashboard has a metric for each reason of the quarantine.
	{name: "pkg/tools/generate", imports: []string{"pkg/event", "pkg/record", "pkg/firehose", "pkg/transform", "pkg/dlq"}},
	{name: "pkg/tools/*", imports: []string{"pkg/event", "pkg/record", "pkg/firehose", "pkg/transform", "pkg/authorizer", "pkg/tools/internal/*"}, tests: []string{"pkg/local/runnertest"}},
}

// theirs says where alone a library may be imported.
var theirs = []struct {
	library string
	places  []string
	why     string
}{
	{"github.com/go-playground/validator/*", []string{"pkg/event"}, "what an event is, is said in one place"},
	{"go.yaml.in/yaml/*", []string{"pkg/local/internal/*"}, "nothing deployed reads YAML"},
	{"github.com/parquet-go/*", []string{"pkg/local/internal/*"}, "Firehose writes Parquet, on AWS"},
	{"github.com/versity/versitygw/*", []string{"pkg/local/internal/*"}, "an S3 server has no place in what is deployed"},
	{"github.com/aws/aws-sdk-go-v2/*", []string{"functions/*", "pkg/tools/smoke"}, "AWS clients are made where the wiring is"},
	{"github.com/aws/aws-lambda-go/*", []string{"functions/*", "pkg/telemetry"}, "the packages do not know who calls them"},
	{"github.com/aws/aws-xray-sdk-go/*", []string{"pkg/telemetry"}, "the SDK is in maintenance, and will be replaced in one place"},
	{"github.com/golang-jwt/jwt/*", []string{"pkg/authorizer", "pkg/tools/token"}, "who may send is said in one place"},
	{"github.com/go-jose/go-jose/*", []string{"pkg/authorizer", "pkg/tools/token"}, "who may send is said in one place"},
	{"github.com/caarlos0/env/*", []string{"functions/*"}, "settings are read where the wiring is"},
}

type goPackage struct {
	ImportPath, Name, Doc              string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

const module = "hydrant/"

// name is the package's folder.
func (p goPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Name,Doc,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("go list found no packages")
	}
	return all
}

// fits tells whether a pattern covers a name: pkg/local/internal/* covers all that lies below it.
func fits(pattern, name string) bool {
	if below, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name+"/", below)
	}
	return pattern == name
}

func anyFits(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return fits(p, name) })
}

func TestOurImports(t *testing.T) {
	seen := make([]bool, len(ours))
	for _, p := range packages(t) {
		if p.name() == "pkg" {
			continue // this test
		}
		i := slices.IndexFunc(ours, func(r rule) bool { return fits(r.name, p.name()) })
		if i < 0 {
			t.Errorf("%s: no rule says what it may import", p.name())
			continue
		}
		seen[i] = true
		r := ours[i]
		checkOurs(t, p, p.Imports, r.imports)
		checkOurs(t, p, slices.Concat(p.TestImports, p.XTestImports), slices.Concat(r.imports, r.tests, []string{p.name()}))
	}
	for i, r := range ours {
		if !seen[i] {
			t.Errorf("%s: a rule for what is not there", r.name)
		}
	}
}

func checkOurs(t *testing.T, p goPackage, imports, allowed []string) {
	t.Helper()
	for _, path := range imports {
		if name, ok := strings.CutPrefix(path, module); ok && !anyFits(allowed, name) {
			t.Errorf("%s imports %s; it may import %q", p.name(), name, allowed)
		}
	}
}

func TestTheirImports(t *testing.T) {
	for _, p := range packages(t) {
		for _, rule := range theirs {
			for _, path := range p.Imports {
				if fits(rule.library, path) && !anyFits(rule.places, p.name()) {
					t.Errorf("%s imports %s, which belongs in %q: %s", p.name(), path, rule.places, rule.why)
				}
			}
		}
	}
}

// What is deployed carries nothing of the runner, however it came in.
func TestDeployedFunctions(t *testing.T) {
	args := []string{"list", "-deps"}
	for _, p := range packages(t) {
		if p.Name == "main" && fits("functions/*", p.name()) {
			args = append(args, p.ImportPath)
		}
	}
	if !slices.Contains(args, path.Join(module, "functions/transform")) {
		t.Fatal("functions/transform is not among the functions")
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, unwanted := range []string{
			module + "pkg/local/*", module + "pkg/tools/*", module + "functions/internal/*", module + "pkg/telemetry/emftest", module + "pkg/telemetry/xraytest", "go.yaml.in/yaml/*", "github.com/parquet-go/*", "github.com/versity/*",
			"github.com/minio/*", "testing/*", "net/http/httptest/*",
		} {
			if fits(unwanted, dep) {
				t.Errorf("the functions depend on %s", dep)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.name())
		}
	}
}
