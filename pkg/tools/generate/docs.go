package main

import (
	"bytes"
	_ "embed"
	"strings"
	"text/template"

	"github.com/go-json-experiment/json/jsontext"

	"hydrant/pkg/event"
)

//go:embed events.md.tmpl
var pageText string

var pageTemplate = template.Must(template.New("events.md").Funcs(template.FuncMap{
	"cell": cell, "column": column, "fallback": fallback, "pretty": pretty, "reasons": reasons,
}).Parse(pageText))

// page is docs/events.md.
func page(catalogue event.Description) (file, error) {
	var text bytes.Buffer
	err := pageTemplate.Execute(&text, catalogue)
	return file{path: "docs/events.md", after: append(bytes.TrimSpace(text.Bytes()), '\n')}, err
}

// cell is text that may stand in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// column is a field's column: its type, behind its name if that is not the field's own.
func column(f event.Field) string {
	switch f.Column {
	case "": // a member of an object
		return ""
	case f.Name:
		return "`" + f.Glue + "`"
	}
	return "`" + f.Column + "`: `" + f.Glue + "`"
}

// fallback is a default: JSON as code, words as they are.
func fallback(text string) string {
	if jsontext.Value(text).IsValid() {
		text = "`" + text + "`"
	}
	return cell(text)
}

// reasons are those of whole records, or those of events.
func reasons(ofRecords bool) (some []event.ReasonText) {
	for _, r := range event.Reasons() {
		if r.Record == ofRecords {
			some = append(some, r)
		}
	}
	return some
}
