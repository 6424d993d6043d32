package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var insightsRules = map[string]rule{
	"a query of the logs can be run": {
		why: "CloudFormation takes any text for a query; Logs Insights refuses it when somebody needs it",
		fix: "commands and functions of the lists below, on log groups of the stack, and behind stats only what it has named",
		check: func(s *stack) (faults []string) {
			for where, q := range s.logQueries() {
				if _, err := parseInsights(q.text); err != nil {
					faults = append(faults, where+": "+err.Error())
				}
				if len(q.groups) == 0 {
					faults = append(faults, where+": it is of no log group")
				}
				for _, group := range q.groups {
					if resource(s.Resolved, group).Type != "AWS::Logs::LogGroup" {
						faults = append(faults, where+": there is no log group "+group)
					}
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"| sort responseLatency desc", "| order responseLatency desc"},
			{"| sort responseLatency desc", "| sort responseLatency downwards"},
			{"pct(responseLatency, 50) as p50", "percentile(responseLatency, 50) as p50"},
			{"| sort requests desc\n\n", "| sort sum desc\n\n"},
			{"        | filter status >= 500\n", "        | filter status > = 500\n"},
			{"filter message = \"rejected\"", "filter message = \"rejected"},
			{"LogGroupNames: [!Ref DeliveryLogGroup]", "LogGroupNames: [!Ref DeliveryLogStream]"},
			{"SOURCE '${ApiLogGroup}'", "SOURCE '${Api}'"},
			{"| limit 100", "| limit many"},
		},
	},
	"a query of the logs is found by the stack's name": {
		why: "the queries of all stacks of an account and Region stand in one list",
		fix: "Name: !Sub ${AWS::StackName}/what it is for, each another",
		check: func(s *stack) (faults []string) {
			seen := map[string]bool{}
			for _, r := range ofType(s.Resolved, "AWS::Logs::QueryDefinition") {
				name := text(r.Properties, "Name")
				if !strings.HasPrefix(name, stackName+"/") || seen[name] {
					faults = append(faults, r.LogicalID+": its name is "+name)
				}
				seen[name] = true
			}
			return faults
		},
		breaks: [][2]string{
			{"Name: !Sub ${AWS::StackName}/why a 5xx", "Name: why a 5xx"},
			{"Name: !Sub ${AWS::StackName}/why a 5xx", "Name: !Sub ${AWS::StackName}/why was this slow"},
		},
	},
}

// A logQuery is a query of CloudWatch Logs Insights, with the names of the log groups that it is of.
type logQuery struct {
	text   string
	groups []string
}

// logQueries are those of the stack that are saved, by logical id, and those on the dashboard, by title.
func (s *stack) logQueries() map[string]logQuery {
	all := map[string]logQuery{}
	for _, r := range ofType(s.Resolved, "AWS::Logs::QueryDefinition") {
		q := logQuery{text: text(r.Properties, "QueryString")}
		for _, group := range items(at(r.Properties, "LogGroupNames")) {
			q.groups = append(q.groups, group.Text)
		}
		all[r.LogicalID] = q
	}
	widgets, _ := s.widgets() // another rule says what is wrong with them
	for _, w := range widgets {
		if w.Type == "log" {
			source, query, _ := strings.Cut(w.Properties.Query, " | ")
			all["the widget "+w.Properties.Title] = logQuery{query, []string{strings.Trim(strings.TrimPrefix(source, "SOURCE "), "'")}}
		}
	}
	return all
}

// What is used of the query language ("CloudWatch Logs Insights language query syntax"). pct and the like are for stats alone.
var (
	insightsCommands  = []string{"fields", "filter", "stats", "sort", "limit"}
	insightsAggregate = []string{"count", "sum", "min", "max", "pct"}
	insightsFunctions = append([]string{"bin", "ispresent"}, insightsAggregate...)
	insightsWords     = []string{"and", "or", "not"}
	insightsToken     = regexp.MustCompile("^(?:\"[^\"]*\"|`([^`]+)`|([A-Za-z_@][A-Za-z0-9_.@]*)|[0-9]+[smhd]?|[!<>]?=|[<>]|[(),*])")
)

// parseInsights answers which fields of log lines a query names, or why it is none.
func parseInsights(query string) ([]string, error) {
	p := insightsQuery{}
	for i, command := range strings.Split(query, "|") {
		tokens, err := insightsTokens(command)
		if err != nil {
			return nil, err
		}
		if len(tokens) < 2 || !slices.Contains(insightsCommands, tokens[0].name) {
			return nil, fmt.Errorf("command %d is none: %s", i+1, strings.TrimSpace(command))
		}
		if err := p.command(tokens[0].name, tokens[1:]); err != nil {
			return nil, fmt.Errorf("%w in %s", err, strings.TrimSpace(command))
		}
	}
	slices.Sort(p.fields)
	return slices.Compact(p.fields), nil
}

// insightsQuery is a query as far as it is read.
type insightsQuery struct {
	fields []string
	named  []string // by as, and behind by
	rows   bool     // stats has made rows of the lines: only what is named is left
}

// An insightsTerm is a name, or a sign.
type insightsTerm struct {
	name, sign string
	quoted     bool // in backticks: a name in any case
}

func insightsTokens(text string) (tokens []insightsTerm, err error) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		m := insightsToken.FindStringSubmatch(text)
		switch {
		case m == nil:
			return nil, fmt.Errorf("what is %q", text)
		case m[1] != "":
			tokens = append(tokens, insightsTerm{name: m[1], quoted: true})
		case m[2] != "":
			tokens = append(tokens, insightsTerm{name: m[2]})
		default:
			tokens = append(tokens, insightsTerm{sign: m[0]})
		}
		text = text[len(m[0]):]
	}
	return tokens, nil
}

func (p *insightsQuery) command(name string, rest []insightsTerm) error {
	if name == "limit" {
		if n, err := strconv.Atoi(rest[0].sign); err != nil || n < 1 || n > 10000 || len(rest) > 1 {
			return fmt.Errorf("no number of lines")
		}
		return nil
	}
	var made []string
	depth, by, aggregates := 0, false, 0
	for i := 0; i < len(rest); i++ {
		t, next := rest[i], insightsTerm{}
		if i+1 < len(rest) {
			next = rest[i+1]
		}
		switch {
		case t.sign == "(":
			depth++
		case t.sign == ")":
			depth--
		case t.name == "":
			if operators := "= != < > <= >="; strings.Contains(operators, t.sign) && (name != "filter" || strings.Contains(operators, next.sign) && next.sign != "") {
				return fmt.Errorf("%s stands wrong", t.sign)
			}
		case !t.quoted && next.sign == "(":
			aggregate := slices.Contains(insightsAggregate, t.name)
			if !slices.Contains(insightsFunctions, t.name) || aggregate && (name != "stats" || by) {
				return fmt.Errorf("there is no %s()", t.name)
			}
			if aggregate {
				aggregates++
			}
		case !t.quoted && t.name == "as" && next.name != "" && (name == "fields" || name == "stats"):
			made = append(made, next.name)
			i++
		case !t.quoted && t.name == "by" && name == "stats" && aggregates > 0:
			by = true
		case !t.quoted && name == "filter" && slices.Contains(insightsWords, t.name):
		case !t.quoted && name == "sort" && (t.name == "asc" || t.name == "desc") && i > 0 && (next.sign == "," || i == len(rest)-1):
		case i > 0 && rest[i-1].name != "" && !slices.Contains(append(insightsWords, "by"), rest[i-1].name):
			return fmt.Errorf("%s stands behind %s", t.name, rest[i-1].name)
		default:
			if slices.Contains(p.named, t.name) {
				break
			}
			if p.rows {
				return fmt.Errorf("there is no %s behind stats", t.name)
			}
			p.fields = append(p.fields, t.name)
			if by && depth == 0 {
				made = append(made, t.name)
			}
		}
		if depth < 0 {
			return fmt.Errorf("one ) too many")
		}
	}
	if depth != 0 || name == "stats" && aggregates == 0 {
		return fmt.Errorf("it is not complete")
	}
	p.named, p.rows = append(p.named, made...), p.rows || name == "stats"
	if name == "stats" {
		p.named = made
	}
	return nil
}

func FuzzParseInsights(f *testing.F) {
	for _, query := range []string{"fields a, `b c` as d | filter a like 1", "stats count(*) as n by bin(5m) as t | sort n desc | limit 5", "stats sum(a", "fields ,as,(|)", "sort a b"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		names, err := parseInsights(query)
		for _, name := range names {
			if err != nil || !strings.Contains(query, name) {
				t.Errorf("%q has %q, %v", query, name, err)
			}
		}
	})
}
