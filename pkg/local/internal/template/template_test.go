package template

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// attribute answers as a stack might: "ref(Id)" and "get(Id.Attribute)". Nothing has an attribute called Nope.
func attribute(id, _, attribute string, _ *Value) (string, error) {
	switch attribute {
	case "":
		return "ref(" + id + ")", nil
	case "Nope":
		return "", errors.New("there is no attribute Nope")
	}
	return "get(" + id + "." + attribute + ")", nil
}

func testEnvironment(parameters map[string]string) Environment {
	return Environment{
		Parameters: parameters, AccountID: "000000000000", Region: "eu-west-1", Partition: "aws",
		URLSuffix: "amazonaws.com", StackName: "stack", Attribute: attribute,
	}
}

// Each testdata/<case>.input.yaml is read and resolved, with the parameters that its first line gives behind "# parameters: ", and
// compared with <case>.golden, which holds the resolved template as JSON or the error. A case is added without writing Go: write
// the input, run the test with -update, and read what it wrote.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.input.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for _, input := range inputs {
		name := strings.TrimSuffix(filepath.Base(input), ".input.yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			got := golden(t, filepath.Base(input), data)
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s resolves to\n%s\nwant\n%s", input, got, want)
			}
		})
	}
}

func golden(t *testing.T, file string, data []byte) string {
	t.Helper()
	parameters := make(map[string]string)
	first, _, _ := strings.Cut(string(data), "\n")
	if text, ok := strings.CutPrefix(first, "# parameters: "); ok {
		if err := parseOverrides(text, parameters); err != nil {
			t.Fatal(err)
		}
	}
	template, err := Parse(file, data)
	if err != nil {
		return placed(t, err)
	}
	resolved, err := template.Resolve(testEnvironment(parameters))
	if err == nil {
		err = resolved.Broken
	}
	if err != nil {
		return placed(t, err)
	}
	return show(t, resolved)
}

// placed is the text of a template's fault, which must have a place.
func placed(t *testing.T, err error) string {
	t.Helper()
	var fault *Error
	if !errors.As(err, &fault) {
		t.Fatalf("%v is a %T, want an *Error", err, err)
	}
	if fault.Pos.Line < 1 || fault.Pos.Column < 1 || fault.File == "" {
		t.Errorf("%v has no place", err)
	}
	return "error: " + err.Error() + "\n"
}

// show writes a resolved template as JSON, with what a golden file should hold still.
func show(t *testing.T, resolved *Resolved) string {
	t.Helper()
	type shownResource struct {
		LogicalID, Type, Pos string
		DependsOn            []string        `json:",omitempty"`
		Metadata             json.RawMessage `json:",omitempty"`
		Properties           json.RawMessage
	}
	shown := struct {
		Parameters map[string]string
		Resources  []shownResource
		Outputs    []string `json:",omitempty"`
	}{Parameters: resolved.Parameters}
	for _, r := range resolved.Resources {
		s := shownResource{LogicalID: r.LogicalID, Type: r.Type, DependsOn: r.DependsOn, Properties: r.Properties.JSON()}
		s.Pos = fmt.Sprintf("%s:%d:%d", r.File, r.Pos.Line, r.Pos.Column)
		if r.Metadata != nil {
			s.Metadata = r.Metadata.JSON()
		}
		shown.Resources = append(shown.Resources, s)
	}
	for _, o := range resolved.Outputs {
		shown.Outputs = append(shown.Outputs, fmt.Sprintf("%s = %s (%s)", o.Name, o.Value, o.Description))
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(shown); err != nil {
		t.Fatalf("the properties are no JSON: %v", err)
	}
	return out.String()
}

// The template that is deployed must be one that the runner reads, for each way to authorize.
func TestDeployedTemplateResolves(t *testing.T) {
	template, err := Read("../../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, authorization := range []string{"NONE", "AWS_IAM"} {
		for _, mode := range []string{"ON_DEMAND", "PROVISIONED"} {
			t.Run(authorization+" "+mode, func(t *testing.T) {
				resolved, err := template.Resolve(testEnvironment(map[string]string{"Authorization": authorization, "StreamMode": mode}))
				if err != nil {
					t.Fatal(err)
				}
				checkResolved(t, resolved)
			})
		}
	}
}

func checkResolved(t *testing.T, resolved *Resolved) {
	t.Helper()
	for _, r := range resolved.Resources {
		var anything map[string]any
		if err := json.Unmarshal(r.Properties.JSON(), &anything); err != nil {
			t.Errorf("the properties of %s are no JSON: %v", r.LogicalID, err)
		}
		if text := string(r.Properties.JSON()); strings.Contains(text, `"Fn::`) || strings.Contains(text, `{"Ref":`) {
			t.Errorf("%s still holds a function: %s", r.LogicalID, text)
		}
	}
	if len(resolved.Resources) == 0 || len(resolved.Outputs) == 0 {
		t.Errorf("%d resources and %d outputs are left, want some of both", len(resolved.Resources), len(resolved.Outputs))
	}
}

func TestSamconfigIsRead(t *testing.T) {
	got, err := Overrides("../../../../samconfig.toml", "local")
	if err != nil {
		t.Fatal(err)
	}
	if got["Authorization"] != "NONE" {
		t.Errorf("the local environment's overrides are %v, want Authorization NONE among them", got)
	}
}

// Ref and Fn::GetAtt hand the stack the resource's own properties, resolved.
func TestAttributeGetsResolvedProperties(t *testing.T) {
	const text = `
Parameters: {Name: {Type: String, Default: events}}
Resources:
  User: {Type: A::B, Properties: {Of: !GetAtt Stream.Arn}}
  Stream: {Type: AWS::Kinesis::Stream, Properties: {Name: !Sub "${Name}-stream"}}
`
	template, err := Parse("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	env := testEnvironment(nil)
	env.Attribute = func(id, kind, attribute string, properties *Value) (string, error) {
		return strings.Join([]string{id, kind, attribute, properties.Get("Name").Text}, "|"), nil
	}
	resolved, err := template.Resolve(env)
	if err != nil {
		t.Fatal(err)
	}
	got, want := resolved.Resources[0].Properties.Get("Of").Text, "Stream|AWS::Kinesis::Stream|Arn|events-stream"
	if got != want {
		t.Errorf("Fn::GetAtt asked for %s, want %s", got, want)
	}
}

func TestParameters(t *testing.T) {
	template, err := Parse("t.yaml", []byte(`
Parameters:
  Mode: {Type: String, Description: How, Default: A, AllowedValues: [A, B]}
  Key: {Type: String, NoEcho: true}
Resources: {X: {Type: A::B}}
`))
	if err != nil {
		t.Fatal(err)
	}
	p := template.Parameters()
	if len(p) != 2 || p[0].Name != "Mode" || p[0].Default != "A" || !p[0].HasDefault || len(p[0].Allowed) != 2 || p[0].Description != "How" {
		t.Errorf("the parameters are %+v", p)
	}
	if p[1].Name != "Key" || p[1].HasDefault || !p[1].NoEcho || p[1].Pos != (Pos{4, 3}) {
		t.Errorf("the second parameter is %+v", p[1])
	}
}

// A small file must not become a large tree, whichever way it repeats itself.
func TestGrowthIsBounded(t *testing.T) {
	var aliases strings.Builder
	aliases.WriteString("Metadata:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&aliases, "  a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	var subs strings.Builder
	subs.WriteString("Resources:\n  X:\n    Type: A::B\n    Properties:\n      P: ")
	for range 16 {
		subs.WriteString(`{"Fn::Sub": ["${A}${A}${A}${A}", {"A": `)
	}
	subs.WriteString("xxxxxxxxxx" + strings.Repeat("}]}", 16))
	for name, tc := range map[string]struct{ text, want string }{
		"aliases of aliases":      {aliases.String() + "Resources: {X: {Type: A::B}}\n", "with its aliases expanded"},
		"an alias of itself":      {"Resources: &r {X: {Type: A::B, Properties: {P: *r}}}\n", "inside its own anchor"},
		"text in text":            {subs.String(), "grows beyond"},
		"deep nesting":            {"Resources: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "levels deep"},
		"a file that is too long": {"#" + strings.Repeat("x", maxBytes), "make it smaller"},
	} {
		t.Run(name, func(t *testing.T) {
			template, err := Parse("t.yaml", []byte(tc.text))
			if err == nil {
				_, err = template.Resolve(testEnvironment(nil))
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

// What a NoEcho parameter holds is seen in no error and not among the resolved parameters.
func TestSecretsAreNotShown(t *testing.T) {
	template, err := Parse("t.yaml", []byte(`
Parameters: {Key: {Type: String, NoEcho: true, MaxLength: 12}}
Resources:
  X: {Type: A::B, Properties: {P: !Sub "a ${Key}", Q: !Join [",", [!Ref Key]], R: !Base64 {Ref: Key}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := template.Resolve(testEnvironment(map[string]string{"Key": "hush-hush-hush"})); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a value that is too long gives %v, want an error without it", err)
	}
	resolved, err := template.Resolve(testEnvironment(map[string]string{"Key": "hush"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := resolved.Parameters["Key"]; got != "****" {
		t.Errorf("the parameter is shown as %q, want ****", got)
	}
	for _, m := range resolved.Resources[0].Properties.Members {
		var number int
		if err := m.Value.Decode(&number); err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "aHVzaA") {
			t.Errorf("%s gives %v, want an error without the value", m.Name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*.input.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, input := range append(inputs, "../../../../template.yaml") {
		data, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		template, err := Parse("t.yaml", data)
		if err != nil {
			placed(t, err)
			return
		}
		values := make(map[string]string)
		for _, p := range template.Parameters() {
			if !p.HasDefault {
				values[p.Name] = "1"
			}
		}
		resolved, err := template.Resolve(testEnvironment(values))
		if err != nil {
			placed(t, err)
			return
		}
		for _, r := range resolved.Resources {
			if !json.Valid(r.Properties.JSON()) {
				t.Errorf("%s is no JSON: %s", r.LogicalID, r.Properties.JSON())
			}
		}
	})
}
