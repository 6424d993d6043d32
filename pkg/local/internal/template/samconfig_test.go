package template

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"testing"
)

func TestOverrides(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want map[string]string
	}{
		"one text":                   {`parameter_overrides = "A=1 B=two"`, map[string]string{"A": "1", "B": "two"}},
		"quotes around two words":    {`parameter_overrides = "A=\"two words\" B='x y' C="`, map[string]string{"A": "two words", "B": "x y", "C": ""}},
		"an escaped quote and space": {`parameter_overrides = 'A="say \"x\"" B=two\ words'`, map[string]string{"A": `say "x"`, "B": "two words"}},
		"a value with =":             {`parameter_overrides = "A=x=y"`, map[string]string{"A": "x=y"}},
		"a list":                     {`parameter_overrides = ["A=1", "B=\"two words\"", "C=3 D=4"]`, map[string]string{"A": "1", "B": "two words", "C": "3", "D": "4"}},
		"several lines":              {"parameter_overrides = \"\"\"\nA=1\n  B=2\n\"\"\"", map[string]string{"A": "1", "B": "2"}},
		"none":                       {`stack_name = "x"`, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseSamconfig("s.toml", []byte("version = 0.1\n[local.deploy.parameters]\n"+tc.text+"\n"), "local")
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, tc.want) {
				t.Errorf("the overrides are %v, want %v", got, tc.want)
			}
		})
	}
}

func TestOverridesFromTheGlobalTable(t *testing.T) {
	const both = "[e.global.parameters]\nparameter_overrides = 'A=global'\n[e.build.parameters]\ncached = true\n"
	for name, tc := range map[string]struct{ text, want string }{
		"alone":                      {both, "global"},
		"deploy's own table wins it": {both + "[e.deploy.parameters]\nparameter_overrides = 'A=deploy'\n", "deploy"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseSamconfig("s.toml", []byte(tc.text), "e")
			if err != nil {
				t.Fatal(err)
			}
			if got["A"] != tc.want {
				t.Errorf("A is %q, want %q", got["A"], tc.want)
			}
		})
	}
}

func TestOverridesFaults(t *testing.T) {
	const head = "version = 0.1\n[prod.deploy.parameters]\n[local.deploy.parameters]\n"
	for name, tc := range map[string]struct{ text, env, want string }{
		"an unknown environment":  {head, "lokal", `s.toml:1:1: there is no environment "lokal": the file has local, prod`},
		"the version is none":     {head, "version", `s.toml:1:1: there is no environment "version": the file has local, prod`},
		"an empty file":           {"", "local", `s.toml:1:1: there is no environment "local": the file has none`},
		"no TOML":                 {head + "a = = 1\n", "local", "s.toml:4:5: expected value but found '=' instead"},
		"a number":                {head + "parameter_overrides = 3\n", "local", `s.toml:4:23: parameter_overrides must be text as "Name=Value Other=Value", or a list of such texts`},
		"a list of numbers":       {head + "parameter_overrides = [3]\n", "local", `s.toml:4:24: parameter_overrides: each item of the list must be text as "Name=Value"`},
		"a value without quotes":  {head + "parameter_overrides = 'A=two hush'\n", "local", "s.toml:4:24: parameter_overrides: expected Name=Value behind the value of A; put a value with spaces in quotes"},
		"no name":                 {head + "parameter_overrides = '=1'\n", "local", "s.toml:4:24: parameter_overrides: expected Name=Value at the beginning; put a value with spaces in quotes"},
		"a name twice":            {head + "parameter_overrides = 'A=1 A=2'\n", "local", "s.toml:4:24: parameter_overrides: A has two values: remove one"},
		"an open quote":           {head + "parameter_overrides = 'A=\"1'\n", "local", "s.toml:4:24: parameter_overrides: A: the quote is not closed"},
		"text behind a quote":     {head + "parameter_overrides = 'A=\"1\"2'\n", "local", "s.toml:4:24: parameter_overrides: A: a space must follow the closing quote"},
		"the old form":            {head + "parameter_overrides = 'ParameterKey=A,ParameterValue=1'\n", "local", "s.toml:4:24: parameter_overrides: the form ParameterKey=Name,ParameterValue=Value is not supported by the local runner: write Name=Value"},
		"parameters that are one": {"[local]\ndeploy = 1\n", "local", "s.toml:2:1: local.deploy: expected table but found int64"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseSamconfig("s.toml", []byte(tc.text), tc.env)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %s", err, tc.want)
			}
			placed(t, err)
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("%v shows a value", err)
			}
		})
	}
}

func TestFilesThatAreMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	if _, err := Overrides(path, "local"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Overrides answers %v, want fs.ErrNotExist", err)
	}
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read answers %v, want fs.ErrNotExist", err)
	}
}

func FuzzOverrides(f *testing.F) {
	f.Add("version = 0.1\n[local.deploy.parameters]\nparameter_overrides = \"A=1 B=\\\"two words\\\"\"\n")
	f.Add("[local.global.parameters]\nparameter_overrides = ['A=1', 'B=2']\n")
	f.Add("local.deploy.parameters.parameter_overrides = 'A=\\'")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parseSamconfig("s.toml", []byte(text), "local")
		if err != nil {
			placed(t, err)
			return
		}
		for name := range values {
			if !logicalID.MatchString(name) {
				t.Errorf("%q is no parameter's name", name)
			}
		}
	})
}
