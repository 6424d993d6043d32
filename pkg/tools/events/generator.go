package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// generator makes one event after another.
type generator struct {
	kinds []kind
	r     *rand.Rand
	made  int
}

func newGenerator(kinds []kind, seed uint64) *generator {
	return &generator{kinds: kinds, r: rand.New(rand.NewPCG(seed, 0))}
}

// event makes an event as it is sent, and its row.
func (g *generator) event() (sent, row string) {
	k := g.kinds[g.made%len(g.kinds)]
	g.made++
	fields, unknown := g.members(k.root.members)
	for i := range fields {
		if fields[i].name == `"event_id"` {
			fields[i].sent = g.eventID()
			fields[i].row = strings.TrimPrefix(fields[i].sent, "null")
		}
	}
	all := slices.Concat(fields, unknown.sentOnly())
	g.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if extra := unknown.row(); extra != "{}" {
		fields = append(fields, member{column: `"extra"`, row: extra})
	}
	return all.sent(), fields.row()
}

// eventID is one that no other event has; or none, so that hydrant makes one.
func (g *generator) eventID() string {
	if n := g.r.IntN(10); n < 2 {
		return []string{"", "null"}[n]
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	id := fmt.Sprint(g.made, ":")
	for range g.r.IntN(65 - len(id)) {
		id += string(letters[g.r.IntN(len(letters))])
	}
	return quoted(id)
}

// members makes the members of an object, and what it has besides: members that its type does not know, there and further below.
func (g *generator) members(fields []*field) (known, unknown members) {
	chance := []int{0, 30, 70, 90, 100}[g.r.IntN(5)] // most objects are full, some have next to nothing
	for _, f := range fields {
		m := member{name: quoted(f.name), column: quoted(f.name), row: f.fallback}
		if f.column != "" {
			m.column = quoted(f.column)
		}
		extra := ""
		if f.required || g.r.IntN(100) < chance {
			m.sent, m.row, extra = g.value(f)
		} else if g.r.IntN(4) == 0 {
			m.sent = "null"
		}
		if extra != "" {
			unknown = append(unknown, member{column: m.name, row: extra})
		}
		known = append(known, m)
	}
	if g.r.IntN(4) == 0 {
		unknown = append(unknown, g.unknown(fields)...)
	}
	return known, unknown
}

// value makes a value of a field; extra is what of it the type does not know, "" if nothing.
func (g *generator) value(f *field) (sent, row, extra string) {
	if !f.isList() {
		return g.single(f)
	}
	n := 1 + g.r.IntN(4)
	if g.r.IntN(40) == 0 {
		n = f.most
	}
	var allSent, allRow, allExtra []string
	for range min(n, f.most) {
		s, r, e := g.single(f)
		if e == "" {
			e = "null"
		}
		allSent, allRow, allExtra = append(allSent, s), append(allRow, r), append(allExtra, e)
	}
	for len(allExtra) > 0 && allExtra[len(allExtra)-1] == "null" {
		allExtra = allExtra[:len(allExtra)-1]
	}
	if len(allExtra) > 0 {
		extra = "[" + strings.Join(allExtra, ",") + "]"
	}
	return "[" + strings.Join(allSent, " , ") + "]", "[" + strings.Join(allRow, ",") + "]", extra
}

// single makes a value, or the element of a list.
func (g *generator) single(f *field) (sent, row, extra string) {
	if len(f.members) == 0 {
		v := f.pool[g.r.IntN(len(f.pool))]
		for len(v.sent) > 200 && g.r.IntN(8) > 0 { // long ones now and then: they make everything slow
			v = f.pool[g.r.IntN(len(f.pool))]
		}
		return v.sent, v.row, ""
	}
	known, unknown := g.members(f.members)
	if extra = unknown.row(); extra == "{}" {
		extra = ""
	}
	all := slices.Concat(known, unknown.sentOnly())
	g.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all.sent(), known.row(), extra
}

// unknown makes members of names that are not among the fields': those of other types' fields and of hydrant's own columns among them.
func (g *generator) unknown(fields []*field) (all members) {
	taken := map[string]bool{}
	for _, f := range fields {
		taken[f.name] = true
	}
	for range 1 + g.r.IntN(3) {
		other := g.kinds[g.r.IntN(len(g.kinds))].root.members
		name := []string{
			other[g.r.IntN(len(other))].name, strings.ToUpper(fields[g.r.IntN(len(fields))].name), hostile[g.r.IntN(len(hostile))],
			"received_at", "producer", "request_id", "attempt", "extra", "hydrant", "dt", "hour",
		}[g.r.IntN(11)]
		if taken[name] {
			continue
		}
		taken[name] = true
		sent, row := g.anything(g.r.IntN(4))
		all = append(all, member{name: spelled(name, g.r), column: quoted(name), sent: sent, row: row})
	}
	return all
}

// literals are JSON texts that have to stay as they are.
var literals = []string{
	"null", "true", "false", "0", "-0", "0.10", "1e400", "1E-400", "123456789012345678901234567890.50", "[]", "{}", `""`, "[null,[null]]", `{"a":{"a":null}}`,
	"9007199254740993", strings.Repeat("[", 20) + strings.Repeat("]", 20),
}

// anything makes any JSON value, so many levels deep at most.
func (g *generator) anything(depth int) (sent, row string) {
	switch {
	case g.r.IntN(3) == 0:
		text := hostile[g.r.IntN(len(hostile))]
		return spelled(text, g.r), quoted(text)
	case depth == 0 || g.r.IntN(2) == 0:
		l := literals[g.r.IntN(len(literals))]
		return l, l
	case g.r.IntN(8) == 0:
		return `"\ud83d"`, `"` + "\uFFFD" + `"`
	}
	s1, r1 := g.anything(depth - 1)
	s2, r2 := g.anything(depth - 1)
	if g.r.IntN(2) == 0 {
		return "[" + s1 + ",\n" + s2 + "]", "[" + r1 + "," + r2 + "]"
	}
	name := hostile[g.r.IntN(len(hostile))]
	return "{ " + spelled(name+"1", g.r) + " : " + s1 + `,"2":` + s2 + "}", "{" + quoted(name+"1") + ":" + r1 + `,"2":` + r2 + "}"
}
