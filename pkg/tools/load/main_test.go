package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hydrant/pkg/local/runnertest"
)

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		args  []string
		fault string
	}{
		"needs no flags":              {nil, ""},
		"takes some measurements":     {[]string{"-only", "start,parquet"}, ""},
		"refuses unknown ones":        {[]string{"-only", "post,speed"}, "-only speed: there are start, post, token, parquet"},
		"refuses arguments":           {[]string{"fast"}, `unexpected argument "fast": -help lists the flags`},
		"refuses too short a load":    {[]string{"-duration", "10ms"}, "-duration 10ms is not within 1s and 1h"},
		"refuses no connection":       {[]string{"-connections", "0"}, "-connections 0 is not within 1 and 1,000"},
		"refuses no events":           {[]string{"-events", "-1"}, "-events -1 is not within 1 and 10,000,000"},
		"refuses events of no size":   {[]string{"-size", "1"}, "-size 1 is not within"},
		"refuses events of any size":  {[]string{"-size", "1000000"}, "-size 1000000 is not within"},
		"refuses what is no duration": {[]string{"-duration", "x"}, `invalid value "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(append([]string{"load"}, tc.args...), io.Discard)
			if tc.fault == "" && err != nil || tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)) {
				t.Errorf("%v: the error is %v, want %q", tc.args, err, tc.fault)
			}
		})
	}
}

func TestARunnerThatIsNotThere(t *testing.T) {
	err := run(t.Context(), &options{runner: filepath.Join(t.TempDir(), "none")}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "make bench") {
		t.Errorf("the error is %v, want it to say what to do", err)
	}
}

func TestARunnerThatEnds(t *testing.T) {
	for name, tc := range map[string]struct{ script, fault string }{
		"with a word":          {"echo 'the port is in use' >&2; exit 1", "the port is in use"},
		"without a word":       {"exit 3", "it never said that it was ready"},
		"with some other line": {"echo hello; exec cat", "not the line of a runner that is ready"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "runner")
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+tc.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			err := run(t.Context(), &options{runner: path, only: []string{"start"}}, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tc.fault) {
				t.Errorf("the error is %v, want %q", err, tc.fault)
			}
		})
	}
}

// TestWholeRoad measures the real runner, briefly. What it takes or how fast is no matter here; that nothing is lost is.
func TestWholeRoad(t *testing.T) {
	runner, err := runnertest.Get()
	if err != nil {
		t.Fatal(err)
	}
	o, err := parse([]string{
		"load", "-runner", runner.Program, "-template", "../../../template.yaml", "-build", runner.Build,
		"-duration", "1s", "-connections", "4", "-events", "1201", "-only", "post,token,parquet",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), o, &out, io.Discard); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{
		`accepted, refused +[1-9][0-9,]*, 0\n`,
		`1,201 records of one event each`,
		`stored +1,201 rows in 1 object\n`,
		`altered +0, 0, 0, 0 +goal none: met\n(.|\n)*altered +0, 0, 0, 0 +goal none: met\n`,
		`memory up to 100 % of the time, highest +[1-9][0-9]* MB`,
		`transform function +[1-9][0-9]* s\n`,
		`accepted with, the answer kept +[1-9][0-9,]* a second`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("the report has no %s:\n%s", want, &out)
		}
	}
}
