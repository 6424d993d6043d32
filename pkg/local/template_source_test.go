package main_test

import (
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"go.yaml.in/yaml/v3"

	"hydrant/pkg/local/internal/template"
)

// sourceRules look at the template as it is written.
var sourceRules = map[string]rule{
	"a parameter explains itself": {
		why: "whoever deploys reads nothing but the form that CloudFormation makes of the parameters",
		fix: "Description, Default, a bound (AllowedValues; of a number MinValue and MaxValue; of a text a whole AllowedPattern with its ConstraintDescription), a label and a group",
		check: func(s *stack) (faults []string) {
			grouped := groupedParameters(s.file())
			for name, parameter := range writtenEach(written(s.file(), "Parameters")) {
				for _, member := range []string{"Description", "Default", "Type"} {
					if written(parameter, member) == nil {
						faults = append(faults, name+": has no "+member)
					}
				}
				if !bounded(parameter) {
					faults = append(faults, name+": takes any value, or says nothing of the form that it takes")
				}
				if written(s.file(), "Metadata", "AWS::CloudFormation::Interface", "ParameterLabels", name, "default") == nil {
					faults = append(faults, name+": has no label")
				}
				if grouped[name] != 1 {
					faults = append(faults, fmt.Sprintf("%s: is in %d groups", name, grouped[name]))
				}
				delete(grouped, name)
			}
			for name := range grouped {
				faults = append(faults, name+": is in a group, and no parameter")
			}
			return faults
		},
		breaks: [][2]string{
			{"    Description: Name of the API's stage, the first part of every path.\n", ""},
			{"    MaxValue: 1000\n", ""},
			{"    MinValue: 24\n    MaxValue: 8760\n", "    AllowedPattern: ^[0-9]{2,4}$\n    ConstraintDescription: hours\n"},
			{"    ConstraintDescription: 1 to 64 letters, digits, hyphens and underscores\n", ""},
			{"    AllowedPattern: ^[A-Za-z0-9_-]{1,64}$\n", "    AllowedPattern: \"[A-Za-z0-9_-]{1,64}\"\n"},
			{"      ShardCount: {default: Shards}\n", ""},
			{"StreamMode, ShardCount, RetentionHours]", "StreamMode, RetentionHours]"},
			{"StreamMode, ShardCount, RetentionHours]", "StreamMode, ShardCount, RetentionHours, RetentionDays]"},
		},
	},
	"every parameter that a condition depends on is tried": {
		why: "the rules are tried with the values in choices only",
		fix: "add the parameter to choices, and to COMBINATIONS in .ci/expand.py",
		check: func(s *stack) (faults []string) {
			script, err := os.ReadFile("../../.ci/expand.py")
			if err != nil {
				return []string{err.Error()}
			}
			for name := range refs(written(s.file(), "Conditions")) {
				if choices[name] == nil || !strings.Contains(string(script), `    "`+name+`": [`) {
					faults = append(faults, name)
				}
			}
			return faults
		},
		breaks: [][2]string{{"  UseCors: !Not [!Equals [!Ref CorsOrigin", "  UseCors: !Not [!Equals [!Ref Stage"}},
	},
	"what builds the functions knows their architecture": {
		why: "a makefile build is not told the architecture: with another one the functions end with exec format error",
		fix: "Architectures: [!Ref Architecture] in Globals, and its default as ARCHITECTURE in the Makefile, for sam build by hand",
		check: func(s *stack) (faults []string) {
			makefile, err := os.ReadFile("../../Makefile")
			if err != nil {
				return []string{err.Error()}
			}
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				architecture := items(at(function.Properties, "Architectures"))
				if len(architecture) != 1 || architecture[0].Text != s.Parameters["Architecture"] {
					faults = append(faults, function.LogicalID+": its architecture is not the parameter's")
				}
				if !strings.Contains(string(makefile), "\nbuild-"+function.LogicalID+":") {
					faults = append(faults, function.LogicalID+": the Makefile has no rule build-"+function.LogicalID)
				}
			}
			if standard := written(s.file(), "Parameters", "Architecture", "Default"); standard == nil || !strings.Contains(string(makefile), "\nARCHITECTURE ?= "+standard.Value+"\n") {
				faults = append(faults, "sam build by hand builds for another architecture than the template's default")
			}
			return faults
		},
		breaks: [][2]string{{"Architectures: [!Ref Architecture]", "Architectures: [x86_64]"}, {"    Default: arm64\n", "    Default: x86_64\n"}},
	},
	"every output and parameter is of use": {
		why: "a parameter that nothing reads is a promise that is not kept",
		fix: "use it or remove it",
		check: func(s *stack) (faults []string) {
			used := refs(leavingOut(s.file(), "Settings")) // which names what functions are made of
			for name := range writtenEach(written(s.file(), "Parameters")) {
				if !used[name] {
					faults = append(faults, name+" is read nowhere")
				}
			}
			for name, output := range writtenEach(written(s.file(), "Outputs")) {
				if written(output, "Description") == nil {
					faults = append(faults, name+" has no Description")
				}
			}
			return faults
		},
		breaks: [][2]string{{"MemorySize: !Ref TransformMemory", "MemorySize: 256"}, {"    Description: Where producers send\n", ""}},
	},
}

// leavingOut is the template as it is written, less a resource.
func leavingOut(file *yaml.Node, logicalID string) *yaml.Node {
	rest := &yaml.Node{Kind: yaml.MappingNode}
	for name, section := range writtenEach(file) {
		if name != "Resources" {
			rest.Content = append(rest.Content, section)
			continue
		}
		for id, resource := range writtenEach(section) {
			if id != logicalID {
				rest.Content = append(rest.Content, resource)
			}
		}
	}
	return rest
}

// bounded says whether a parameter, as it is written, takes only values of which it says what they are.
func bounded(parameter *yaml.Node) bool {
	if values := written(parameter, "AllowedValues"); values != nil {
		return len(values.Content) > 1
	}
	if kind := written(parameter, "Type"); kind != nil && kind.Value == "Number" {
		return written(parameter, "MinValue") != nil && written(parameter, "MaxValue") != nil
	}
	pattern := written(parameter, "AllowedPattern")
	return pattern != nil && strings.HasPrefix(pattern.Value, "^") && strings.HasSuffix(pattern.Value, "$") && written(parameter, "ConstraintDescription") != nil
}

// writtenEach yields the members of a mapping.
func writtenEach(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// groupedParameters counts the groups that a parameter is in.
func groupedParameters(file *yaml.Node) map[string]int {
	grouped := map[string]int{}
	for _, group := range written(file, "Metadata", "AWS::CloudFormation::Interface", "ParameterGroups").Content {
		for _, name := range written(group, "Parameters").Content {
			grouped[name.Value]++
		}
	}
	return grouped
}

// refs are the names that !Ref, !GetAtt and ${...} of !Sub mention in a piece of the template.
func refs(n *yaml.Node) map[string]bool {
	found := map[string]bool{}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		switch n.Tag {
		case "!Ref":
			found[n.Value] = true
		case "!GetAtt":
			name, _, _ := strings.Cut(n.Value, ".")
			found[name] = true
		case "!Sub":
			for _, part := range strings.Split(n.Value, "${")[1:] {
				name, _, _ := strings.Cut(part, "}")
				name, _, _ = strings.Cut(name, ".")
				found[name] = true
			}
		}
		for _, child := range n.Content {
			walk(child)
		}
	}
	walk(n)
	return found
}

func TestSamconfig(t *testing.T) {
	var file map[string]any
	if _, err := toml.DecodeFile("../../samconfig.toml", &file); err != nil {
		t.Fatal(err)
	}
	parsed, err := template.Read(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	stacks := map[string]string{} // environments by their stacks' names and databases, which no two may share
	for _, env := range []string{"default", "staging", "prod", "local"} {
		overrides, err := template.Overrides("../../samconfig.toml", env)
		if err != nil {
			t.Error(err)
			continue
		}
		resolved := resolve(t, parsed, overrides).Parameters
		got := resolved["Authorization"]
		if want := map[string]string{"local": "NONE"}[env]; got != want && (env == "local" || got != "AWS_IAM") {
			t.Errorf("samconfig's %s deploys with Authorization=%s", env, got)
		}
		if env == "local" {
			continue
		}
		// What goes wrong in a new version is to hit one request in ten, and not all, in prod; and staging deploys as prod does.
		if (env == "staging" || env == "prod") && resolved["DeploymentType"] == "AllAtOnce" {
			t.Errorf("samconfig's %s deploys a new version AllAtOnce", env)
		}
		settings, _ := file[env].(map[string]any)["deploy"].(map[string]any)["parameters"].(map[string]any)
		for _, name := range []string{fmt.Sprint("stack ", settings["stack_name"]), "database " + overrides["DatabaseName"], fmt.Sprint("prefix ", settings["s3_prefix"])} {
			if stacks[name] != "" || strings.HasSuffix(name, " ") {
				t.Errorf("samconfig's %s and %s share the %s", env, stacks[name], name)
			}
			stacks[name] = env
		}
		// "sam deploy" keeps a stack's value of what it is not told, and make build could not know it.
		if overrides["Architecture"] == "" {
			t.Errorf("samconfig's %s names no Architecture", env)
		}
	}
	// A stack name would make "sam deploy --config-env local" deploy an API that takes everybody's requests.
	local, _ := file["local"].(map[string]any)
	deploy, _ := local["deploy"].(map[string]any)
	parameters, _ := deploy["parameters"].(map[string]any)
	if len(local) != 1 || len(deploy) != 1 || !slices.Equal(slices.Collect(maps.Keys(parameters)), []string{"parameter_overrides"}) {
		t.Errorf("samconfig's local is %v: it must hold parameter_overrides alone", local)
	}
}
