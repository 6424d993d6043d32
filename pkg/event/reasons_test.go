package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

func TestEveryReasonHasASentence(t *testing.T) {
	seen := map[Reason]bool{}
	for _, r := range Reasons() {
		if seen[r.Reason] || len(r.Sentence) < 20 || !strings.HasSuffix(r.Sentence, ".") {
			t.Errorf("reason %s: twice, or without a sentence: %q", r.Reason, r.Sentence)
		}
		seen[r.Reason] = true
	}
	for _, r := range declaredReasons(t) {
		if !seen[r] {
			t.Errorf("reason %s is not on the list", r)
		}
	}
	for rule, r := range ruleReasons {
		if !seen[r.text] || !seen[r.number] || !seen[r.members] {
			t.Errorf("rule %s has a reason that is not on the list", rule)
		}
	}
	for _, l := range limits {
		for _, r := range l.bad {
			if !seen[r] {
				t.Errorf("reason %s is not on the list", r)
			}
		}
	}
}

// declaredReasons are the constants of reasons.go.
func declaredReasons(t *testing.T) (reasons []Reason) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reasons.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Error(err)
			}
			reasons = append(reasons, Reason(text))
		}
		return false
	})
	if len(reasons) != len(Reasons()) {
		t.Errorf("%d reasons are declared, %d are on the list", len(reasons), len(Reasons()))
	}
	return reasons
}
