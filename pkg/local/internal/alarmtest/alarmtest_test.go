package alarmtest_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"hydrant/pkg/local/internal/alarmtest"
)

// series reads values with blanks between, - for none.
func series(t *testing.T, text string) alarmtest.Series {
	t.Helper()
	s := alarmtest.Series{}
	for _, word := range strings.Fields(text) {
		v := alarmtest.None
		if word != "-" {
			if _, err := fmt.Sscan(word, &v); err != nil {
				t.Fatal(err)
			}
		}
		s = append(s, v)
	}
	return s
}

func write(s alarmtest.Series) string {
	var words []string
	for _, v := range s {
		if math.IsNaN(v) {
			words = append(words, "-")
		} else {
			words = append(words, fmt.Sprint(v))
		}
	}
	return strings.Join(words, " ")
}

// The examples of "Using math expressions with CloudWatch metrics", where they have what template.yaml has, and its sentences.
func TestExpressions(t *testing.T) {
	for name, tc := range map[string]struct {
		expression string
		metrics    map[string]string
		want       string
		dropping   string // if it is another where missing values are not 0
	}{
		"a comparison of two series":      {"metric2 > metric1", map[string]string{"metric1": "30 20 0 0", "metric2": "20 - 20 -"}, "0 0 1 0", ""},
		"a comparison with a number":      {"m > 15", map[string]string{"m": "30 20 0 -"}, "1 1 0 -", ""},
		"IF of three series":              {"IF(metric1, metric2, metric3)", map[string]string{"metric1": "1 1 0 0 -", "metric2": "30 - 0 0 30", "metric3": "0 0 20 - 20"}, "30 0 20 - -", ""},
		"IF with a number first":          {"IF(metric1, 5, metric3)", map[string]string{"metric1": "1 1 0 0 -", "metric3": "0 0 20 - 20"}, "5 5 20 - -", ""},
		"IF with a number last":           {"IF(metric1, metric2, 5)", map[string]string{"metric1": "1 1 0 0 -", "metric2": "30 - 0 0 30"}, "30 0 5 5 -", ""},
		"IF with a comparison":            {"IF(m > 4, 10, 2)", map[string]string{"m": "5 4 -"}, "10 2 -", ""},
		"missing values are 0":            {"a - b", map[string]string{"a": "5 5 - -", "b": "1 - 1 -"}, "4 5 -1 -", "4 - - -"},
		"a number does not make values":   {"5 * m", map[string]string{"m": "1 -"}, "5 -", ""},
		"division by zero is dropped":     {"a / b", map[string]string{"a": "1 1 1 0 -", "b": "2 0 - 0 2"}, "0.5 - - - 0", "0.5 - - - -"},
		"FILL":                            {"FILL(m, 7)", map[string]string{"m": "1 - -"}, "1 7 7", ""},
		"FILL of what has no value":       {"FILL(m, 0) / n", map[string]string{"m": "- -", "n": "2 -"}, "0 -", ""},
		"MAX of an array":                 {"MAX([a, b / 10])", map[string]string{"a": "3 1 - -", "b": "20 50 70 -"}, "3 5 7 -", "3 5 - -"},
		"MAX of an array with no value":   {"MAX([a, b])", map[string]string{"a": "-3", "b": "-"}, "0", "-"},
		"from left to right":              {"a - 1 - 2 * 3 / 2", map[string]string{"a": "10"}, "6", ""},
		"comparison last":                 {"a - 1 > 2 * 3", map[string]string{"a": "7 8"}, "0 1", ""},
		"parentheses":                     {"100 * (a - (b - 1)) / a", map[string]string{"a": "10", "b": "6"}, "50", ""},
		"a number in several parts of it": {"1.5*m", map[string]string{"m": "2"}, "3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			expression, err := alarmtest.Parse(tc.expression)
			if err != nil {
				t.Fatal(err)
			}
			metrics := map[string]alarmtest.Series{}
			for id, text := range tc.metrics {
				metrics[id] = series(t, text)
			}
			if tc.dropping == "" {
				tc.dropping = tc.want
			}
			for missing, want := range map[alarmtest.Missing]string{alarmtest.AsZero: tc.want, alarmtest.Drops: tc.dropping} {
				if got, err := expression.Series(metrics, missing); err != nil || write(got) != want {
					t.Errorf("reading %d: %s, %v; want %s", missing, write(got), err, want)
				}
			}
		})
	}
}

func TestWhatIsNoExpression(t *testing.T) {
	for _, text := range []string{
		"", " ", "a b", "a -", "- a", "(a", "a)", "[a", "[]", "a + b", "a ^ 2", "a < b", "AVG(a)", "MAX", "MAX(", "MAX(a", "MAX a", "IF(a,,b)", "FILL(a 0)", "1x", "1_0", "0x1p4",
		"1.2.3", "a.b", "A", "ü", "a\xff", "a;b", strings.Repeat("(", 60) + "a" + strings.Repeat(")", 60),
	} {
		if _, err := alarmtest.Parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	metrics := map[string]alarmtest.Series{"a": {1}, "b": {2}}
	for _, text := range []string{"1", "[a]", "[a] * 2", "[1]", "MAX(a)", "MAX(1)", "MAX([a], [b])", "FILL(a, b)", "FILL(1, 0)", "IF(1, a, b)", "IF(a, b)", "IF(a, [a], b)", "c", "1 / 0 * a"} {
		expression, err := alarmtest.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := expression.Series(metrics, alarmtest.AsZero); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	metrics["b"] = nil
	expression, err := alarmtest.Parse("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := expression.Series(metrics, alarmtest.AsZero); err == nil {
		t.Error("series of two lengths are taken")
	}
}

// Whatever the text, it is refused or has a value for each period, the same each time, and the metrics stay as they are.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"100 * FILL(a, 0) / b", "IF(a > 10, 100 * a / b, 0)", "MAX([FILL(a, 0), b / 1000]) / (36 * 24)", "IF(FILL(a, 0) > 0, 0, b)", "a-b-1*2", "1/0", "((a))", "[a,b]",
	} {
		f.Add(seed, 3.0, 0.0)
	}
	f.Fuzz(func(t *testing.T, text string, x, y float64) {
		expression, err := alarmtest.Parse(text)
		if err != nil {
			return
		}
		metrics := map[string]alarmtest.Series{"a": {x, alarmtest.None, y}, "b": {alarmtest.None, y, x}}
		before := write(metrics["a"]) + write(metrics["b"])
		for _, missing := range []alarmtest.Missing{alarmtest.AsZero, alarmtest.Drops} {
			got, err := expression.Series(metrics, missing)
			again, errAgain := expression.Series(metrics, missing)
			if (err == nil) != (errAgain == nil) || write(got) != write(again) || err == nil && len(got) != 3 {
				t.Errorf("%q: %v, %v and then %v, %v", text, got, err, again, errAgain)
			}
		}
		if after := write(metrics["a"]) + write(metrics["b"]); after != before {
			t.Errorf("%q changed the metrics from %s to %s", text, before, after)
		}
	})
}

// The tables of "Using Amazon CloudWatch alarms" ("How alarm state is evaluated when data is missing"): 0 is not breaching, X is.
func TestOn(t *testing.T) {
	for _, tc := range []struct {
		points                  string
		datapoints              int // of 3
		breaching, notBreaching bool
	}{
		{"0 - X - X", 3, false, false},
		{"0 - - - -", 3, false, false},
		{"- - - - -", 3, true, false},
		{"0 X X - X", 3, true, true},
		{"- - - - X", 3, true, false},
		{"X - - - -", 3, true, false},
		{"0 - X - X", 2, true, true},
		{"0 0 X 0 X", 2, true, true},
		{"0 - X - -", 2, true, false},
		{"- - - - 0", 2, true, false},
		{"- - - - X", 2, true, false},
	} {
		for missingIsBreaching, want := range map[bool]bool{true: tc.breaching, false: tc.notBreaching} {
			above := alarmtest.Alarm{Threshold: 1, Datapoints: tc.datapoints, Of: 3, MissingIsBreaching: missingIsBreaching}
			if got := above.On(series(t, strings.ReplaceAll(tc.points, "X", "2"))); got != want {
				t.Errorf("%s, %d of 3, missing breaching %v: %v", tc.points, tc.datapoints, missingIsBreaching, got)
			}
			below := alarmtest.Alarm{Threshold: -1, Below: true, Datapoints: tc.datapoints, Of: 3, MissingIsBreaching: missingIsBreaching}
			if got := below.On(series(t, strings.ReplaceAll(tc.points, "X", "-2"))); got != want {
				t.Errorf("%s below, %d of 3, missing breaching %v: %v", tc.points, tc.datapoints, missingIsBreaching, got)
			}
		}
	}
	if (alarmtest.Alarm{Threshold: 2, Datapoints: 1, Of: 1}).On(alarmtest.Series{2}) {
		t.Error("what is at the threshold breaches it")
	}
}
