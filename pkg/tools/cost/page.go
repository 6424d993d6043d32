package main

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
)

//go:embed *.tmpl
var templates embed.FS

// page is all that the pages say, as text.
type page struct {
	Region, Env, Monthly string
	Headlines            []headline
	Sizes                []sizeRow
	Shares               []shareRow
	Fixed                []fixedRow
	FixedOnDemand        string
	FixedProvisioned     string
	Shards               string
	Levers               []leverRow
	Modes                []modeRow
	Goal                 goal
	Uncertain            []string
	Old                  oldFigures
	Assumed              map[string]string

	onDemand, provisioned *model
}

type headline struct{ Shape, OnDemand, Provisioned, Old, OldProvisioned, Saved string }

type sizeRow struct {
	Size       string
	Cells, Old []string
}

type shareRow struct{ What, Alone, Array, Provisioned string }

type fixedRow struct{ What, Price string }

type leverRow struct{ What, PerMillion, Month string }

type modeRow struct{ Volume, OnDemand, Shards, Provisioned, Equal string }

// goal is the setting that the project set itself: 1 KB events in arrays of 100.
type goal struct{ OnDemand, Provisioned, RecordBytes string }

type oldFigures struct{ Alone10, Alone1, Alone, Saved10, Saved1, Array, ArrayNow, ArraySaved, Queue string }

var (
	alone     = shape{1024, 1, 1}
	inArray   = shape{1024, 100, 1}
	inRecords = shape{1024, 1, 100}
)

// Marginal costs a million that the setting of the goal is to stay below.
const goalOnDemand, goalProvisioned = 0.25, 0.12

// newPage works everything out.
func newPage(at site) (*page, error) {
	onDemand, err := at.model(parameters{"StreamMode": "ON_DEMAND"})
	if err != nil {
		return nil, err
	}
	provisioned, err := at.model(parameters{"StreamMode": "PROVISIONED"})
	if err != nil {
		return nil, err
	}
	p := &page{
		Region: fmt.Sprintf("%s (%s)", at.prices.Name, at.prices.Region), Env: at.env, Monthly: fmt.Sprintf("%.0f", at.monthly/1e6), onDemand: onDemand, provisioned: provisioned,
		Assumed: assumed(onDemand),
	}
	p.headlines(onDemand, provisioned)
	p.sizes(onDemand, provisioned)
	p.shares(onDemand, provisioned)
	p.fixed(onDemand, provisioned)
	p.modes(onDemand, provisioned)
	p.old(onDemand)
	p.uncertain(at.prices)
	if err := p.goal(onDemand, provisioned); err != nil {
		return nil, err
	}
	return p, p.levers(at)
}

func marginal(m *model, s shape) float64 { return sum(m.bill(s)).perMillion }

func oldMarginal(m *model, s shape, b fill) float64 { return sum(m.oldBill(s, b)).perMillion }

func percent(part float64) string {
	if 100*part < 0.5 && part > 0 {
		return "<1 %"
	}
	return fmt.Sprintf("%.0f %%", 100*part)
}

func (p *page) headlines(onDemand, provisioned *model) {
	for _, h := range []struct {
		name string
		s    shape
	}{
		{"one event a request", alone},
		{"100 events a request, one a record (`POST /records`)", inRecords},
		{"**100 events a request, an array in one record (`POST /record`)**", inArray},
	} {
		row := headline{Shape: h.name, OnDemand: usd(marginal(onDemand, h.s)), Provisioned: usd(marginal(provisioned, h.s)), Old: "–", OldProvisioned: "–", Saved: "–"}
		if h.s.records == 1 {
			was, wasProvisioned := oldMarginal(onDemand, h.s, 10), oldMarginal(provisioned, h.s, 10)
			row.Old, row.OldProvisioned = usd(was), usd(wasProvisioned)
			row.Saved = percent(1-marginal(onDemand, h.s)/was) + " / " + percent(1-marginal(provisioned, h.s)/wasProvisioned)
		}
		p.Headlines = append(p.Headlines, row)
	}
}

var (
	pageSizes  = []int{200, 512, 1024, 5120, 10240, 102400}
	pageArrays = []int{1, 10, 100, 500}
)

func sizeName(bytes int) string {
	if bytes < 1024 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%d KB", bytes/1024)
}

func (p *page) sizes(onDemand, provisioned *model) {
	cell := func(s shape, price func(*model, shape) float64) string {
		if s.check() != nil {
			return "–"
		}
		return usd(price(onDemand, s)) + " / " + usd(price(provisioned, s))
	}
	old := func(m *model, s shape) float64 { return oldMarginal(m, s, 10) }
	for _, size := range pageSizes {
		row := sizeRow{Size: sizeName(size)}
		for _, array := range pageArrays {
			row.Cells = append(row.Cells, cell(shape{size, array, 1}, marginal))
			row.Old = append(row.Old, cell(shape{size, array, 1}, old))
		}
		row.Cells = append(row.Cells, cell(shape{size, 1, 100}, marginal))
		p.Sizes = append(p.Sizes, row)
	}
}

// shares are the parts of a bill by service, and by what of it, the largest of the array's first. What is below a hundredth everywhere is one.
func (p *page) shares(onDemand, provisioned *model) {
	bills := []map[string]float64{}
	names := map[string]bool{}
	for _, b := range [][]line{onDemand.bill(alone), onDemand.bill(inArray), provisioned.bill(inArray)} {
		parts := map[string]float64{}
		total := sum(b).perMillion
		for _, l := range b {
			if l.perMillion > 0 {
				name := l.service + ": " + l.what
				parts[name] += l.perMillion / total
				names[name] = true
			}
		}
		bills = append(bills, parts)
	}
	const rest = "everything else"
	for name := range names {
		if max(bills[0][name], bills[1][name], bills[2][name]) < 0.01 {
			for _, b := range bills {
				b[rest] += b[name]
			}
			delete(names, name)
		}
	}
	order := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(bills[1][b], bills[1][a]), cmp.Compare(bills[2][b], bills[2][a]), cmp.Compare(a, b))
	})
	share := func(part float64) string {
		if part == 0 {
			return "–"
		}
		return percent(part)
	}
	for _, name := range append(order, rest) {
		p.Shares = append(p.Shares, shareRow{name, share(bills[0][name]), share(bills[1][name]), share(bills[2][name])})
	}
}

func (p *page) fixed(onDemand, provisioned *model) {
	lines := onDemand.bill(inArray)
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(b.fixed, a.fixed) })
	var small float64
	for _, l := range lines {
		switch {
		case l.fixed >= 0.10:
			p.Fixed = append(p.Fixed, fixedRow{l.service + ": " + l.what, usd(l.fixed)})
		default:
			small += l.fixed
		}
	}
	if small > 0 {
		p.Fixed = append(p.Fixed, fixedRow{"everything else", usd(small)})
	}
	p.FixedOnDemand = usd(sum(lines).fixed)
	p.FixedProvisioned = usd(sum(provisioned.bill(inArray)).fixed)
	p.Shards = fmt.Sprint(provisioned.shards)
}

func (p *page) goal(onDemand, provisioned *model) error {
	now, then := marginal(onDemand, inArray), marginal(provisioned, inArray)
	if now >= goalOnDemand || then >= goalProvisioned {
		return fmt.Errorf("1 KB events in arrays of 100 cost %.4f a million on demand and %.4f provisioned: the page says that they stay below %.2f and %.2f",
			now, then, goalOnDemand, goalProvisioned)
	}
	p.Goal = goal{OnDemand: fmt.Sprintf("%.3f", now), Provisioned: fmt.Sprintf("%.3f", then), RecordBytes: thousands(float64(inArray.recordBytes()))}
	return nil
}

// levers are what can be turned, each by itself, from the goal's setting on.
func (p *page) levers(at site) error {
	start, err := at.model(parameters{"StreamMode": "ON_DEMAND"})
	if err != nil {
		return err
	}
	base := sum(start.bill(inArray))
	for _, l := range []struct {
		name  string
		shape shape
		set   parameters
	}{
		{"one event a request", alone, nil},
		{"arrays of 10", shape{1024, 10, 1}, nil},
		{"arrays of 500", shape{1024, 500, 1}, nil},
		{"100 records of one event, `POST /records`", inRecords, nil},
		{"", inArray, parameters{"StreamMode": "PROVISIONED"}},
		{"", inArray, parameters{"RetentionHours": "24"}},
		{"", inArray, parameters{"RetentionHours": "168"}},
		{"", inArray, parameters{"Tracing": "PassThrough"}},
		{"", inArray, parameters{"ExecutionLogs": "INFO"}},
		{"", inArray, parameters{"LogDays": "7"}},
		{"", inArray, parameters{"TransformBufferSeconds": "60"}},
		{"", inArray, parameters{"TransformBufferMB": "1"}},
		{"", inArray, parameters{"TransformMemory": "1024"}},
		{"", inArray, parameters{"DeliverySeconds": "300"}},
		{"", inArray, parameters{"Authorization": "LAMBDA", "StaticTokens": "true"}},
		{"", inArray, parameters{"Authorization": "LAMBDA", "StaticTokens": "true", "AuthorizerTtl": "0"}},
	} {
		set := parameters{"StreamMode": "ON_DEMAND"}
		maps.Copy(set, l.set)
		m, err := at.model(set)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(l.set)) {
			l.name += fmt.Sprintf("`%s=%s` ", name, l.set[name])
		}
		got := sum(m.bill(l.shape))
		p.Levers = append(p.Levers, leverRow{strings.TrimSpace(l.name), change(got.perMillion - base.perMillion), change(m.month(got) - m.month(base))})
	}
	return nil
}

// month is what a month's events come to.
func (m *model) month(total line) float64 { return total.fixed + total.perMillion*m.millions() }

func change(by float64) string {
	switch {
	case by > -0.00005 && by < 0.00005:
		return "–"
	case by < 0:
		return "−" + usd(-by)
	}
	return "+" + usd(by)
}

// peak is how many times the average traffic shards are sized for.
const peak = 3

// modes compares the two modes of the stream by traffic.
func (p *page) modes(onDemand, provisioned *model) {
	for _, millions := range []float64{1, 10, 100, 1_000, 10_000, 100_000} {
		price := func(m *model) float64 {
			var total line
			records := 1e6 / float64(inArray.array)
			total = sum(m.streamLines(records, float64(inArray.recordBytes()), inArray.putBytes()))
			return total.fixed + total.perMillion*millions
		}
		sized := *provisioned.stack
		at := model{&sized, provisioned.prices, millions * 1e6}
		sized.shards = at.shardsNeeded(inArray, peak)
		shard := at // what one shard more adds
		one, two := sized, sized
		one.shards, two.shards = 1, 2
		shard.stack = &one
		first := price(&shard)
		shard.stack = &two
		perShard := price(&shard) - first
		equal := (price(onDemand) - (first - perShard)) / perShard
		p.Modes = append(p.Modes, modeRow{
			Volume: thousands(millions), OnDemand: usd(price(onDemand)), Shards: fmt.Sprint(sized.shards), Provisioned: usd(price(&at)), Equal: fmt.Sprintf("%.0f", equal),
		})
	}
}

func thousands(n float64) string {
	text := fmt.Sprintf("%.0f", n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func (p *page) old(m *model) {
	was10, was1, array := oldMarginal(m, alone, 10), oldMarginal(m, alone, 1), oldMarginal(m, inArray, 10)
	now, nowArray := marginal(m, alone), marginal(m, inArray)
	var queue float64
	for _, l := range m.oldBill(alone, 10) {
		if l.service == "SQS" || l.what == "consumer" || l.what == "consumer's log" {
			queue += l.perMillion
		}
	}
	p.Old = oldFigures{
		Alone10: usd(was10), Alone1: usd(was1), Alone: usd(now), Saved10: percent(1 - now/was10), Saved1: percent(1 - now/was1),
		Array: usd(array), ArrayNow: usd(nowArray), ArraySaved: percent(1 - nowArray/array), Queue: usd(queue),
	}
}

// uncertain names the prices that were not read from AWS.
func (p *page) uncertain(prices *prices) {
	for _, key := range slices.Sorted(maps.Keys(prices.Price)) {
		if found := prices.Price[key]; found.Sure != verified {
			p.Uncertain = append(p.Uncertain, fmt.Sprintf("`%s` %s", key, found.Sure))
		}
	}
}

// assumed is what the pages say of the model's assumptions, by name.
func assumed(m *model) map[string]string {
	return map[string]string{
		"envelope": fmt.Sprint(len(envelope)), "accessLine": fmt.Sprint(m.accessLine), "metricsLine": fmt.Sprint(metricsLine), "platform": fmt.Sprint(platformBytes),
		"eventUs": fmt.Sprint(eventMicroseconds), "kbUs": fmt.Sprint(kilobyteMicroseconds), "slow": fmt.Sprint(slowCore), "overheadMs": fmt.Sprint(invocationMilliseconds),
		"memory": fmt.Sprintf("%.0f", m.transform.memory*1024), "core": fmt.Sprintf("%.2f", m.transform.memory/wholeCore), "parquet": fmt.Sprintf("%.0f %%", 100*parquetShare),
		"consumerMs": fmt.Sprint(consumerMilliseconds), "consumerMB": fmt.Sprintf("%.0f", consumerMemory*1024), "tokens": fmt.Sprint(tokens), "peak": fmt.Sprint(peak),
		"buffer": fmt.Sprintf("%.1f", m.bufferBytes/megabyte), "bufferSeconds": fmt.Sprintf("%.0f", m.bufferSeconds), "shards": fmt.Sprint(m.shards), "retention": fmt.Sprint(m.retention), "execution": fmt.Sprint(executionBytes),
		"perMinute": fmt.Sprintf("%.0f", m.delivery), "authorizerMs": fmt.Sprint(authorizerMilliseconds),
	}
}

func (p *page) render(name string) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(templates, name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, p)
	return out.Bytes(), err
}

const begin, end = "<!-- cost: begin (make cost) -->\n", "<!-- cost: end -->\n"

// between replaces what stands between the two marks of a page.
func (p *page) between(text []byte, name string) ([]byte, error) {
	head, rest, found := bytes.Cut(text, []byte(begin))
	_, tail, ended := bytes.Cut(rest, []byte(end))
	if !found || !ended {
		return nil, errors.New("it needs the lines " + strings.TrimSpace(begin) + " and " + strings.TrimSpace(end))
	}
	inner, err := p.render(name)
	if err != nil {
		return nil, err
	}
	return slices.Concat(head, []byte(begin), inner, []byte(end), tail), nil
}
