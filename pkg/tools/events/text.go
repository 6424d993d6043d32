package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// quoted is a text as a JSON string, with as few escapes as there can be.
func quoted(text string) string {
	out, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		panic(err) // all texts here are UTF-8
	}
	return string(out)
}

// spelled is a text as a JSON string with escapes in places that need none.
func spelled(text string, r *rand.Rand) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		plain := strings.Trim(quoted(string(c)), `"`)
		if c == '"' {
			plain = `\"`
		}
		switch {
		case c == '/' && r.IntN(2) == 0:
			b.WriteString(`\/`)
		case r.IntN(8) > 0:
			b.WriteString(plain)
		default:
			for _, unit := range utf16.Encode([]rune{c}) {
				fmt.Fprintf(&b, []string{`\u%04x`, `\u%04X`}[r.IntN(2)], unit)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (p *prober) spelled(text string) string { return spelled(text, p.r) }

// member is one of a JSON object: its name and its value as they are sent, and the name and the value of what becomes of it. What is "" is
// not sent, or nothing becomes of it. All of them are JSON texts.
type member struct{ name, column, sent, row string }

// members make an object.
type members []member

func (m members) sent() string {
	return m.join(func(one member) (string, string) { return one.name, one.sent })
}

func (m members) row() string {
	return m.join(func(one member) (string, string) { return one.column, one.row })
}

func (m members) join(part func(member) (name, value string)) string {
	var parts []string
	for _, one := range m {
		if name, value := part(one); name != "" && value != "" {
			parts = append(parts, name+":"+value)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// sentOnly are those that stand in the event themselves, not below another member of it.
func (m members) sentOnly() (all members) {
	for _, one := range m {
		if one.name != "" {
			all = append(all, one)
		}
	}
	return all
}
