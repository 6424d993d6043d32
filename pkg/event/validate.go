package event

// validate judges every value that was sent by its field's rules. What was filled in needs none: NewJudge has tried the defaults.
func (d *draft) validate(r *rules, p *plan, first int) {
	for i := range p.fields {
		f, c := &p.fields[i], &d.cells[first+i]
		if c.state == sent && !d.plainlyGood(f, c) {
			d.push(f.step)
			d.validateValue(r, f, first+i)
			d.way = d.way[:len(d.way)-1]
		}
	}
}

// plainlyGood reports whether a glance is all that a scalar needs.
func (d *draft) plainlyGood(f *field, c *cell) bool {
	return f.form < object && (f.rules == "" || f.bounds.keeps(f.form, c, d.receipt.at))
}

func (d *draft) validateValue(r *rules, f *field, at int) {
	c := &d.cells[at]
	if f.rules != "" && !f.bounds.keeps(f.form, c, d.receipt.at) {
		if rule, reason := d.broken(r, f, c); rule != "" {
			c.state = refused
			d.reject(rule, reason)
			return
		}
	}
	switch f.form {
	case object:
		d.validate(r, f.object, c.first)
	case list:
		for e, i := c.first, 0; e != 0; e, i = d.cells[e].next, i+1 {
			if d.cells[e].state == sent {
				d.pushElement(i)
				d.validateValue(r, f.element, e)
				d.way = d.way[:len(d.way)-1]
			}
		}
	case texts:
		for e := c.first; e < c.first+2*c.count; e += 2 {
			d.validateText(r, f, &d.cells[e], e+1)
		}
	}
}

// validateText judges a member of an object of strings: its name and the value at a cell.
func (d *draft) validateText(r *rules, f *field, name *cell, at int) {
	value := &d.cells[at]
	if d.plainlyGood(f.key, name) && d.plainlyGood(f.element, value) {
		return
	}
	d.push(name.text)
	if rule, reason := d.broken(r, f.key, name); rule != "" {
		d.reject("name "+rule, reason)
	}
	if value.state == sent {
		d.validateValue(r, f.element, at)
	}
	d.way = d.way[:len(d.way)-1]
}

// passing is a text that keeps the rules of a field.
type passing struct {
	field *field
	text  string
}

// What is remembered of texts: codes and tags are short, few, and come again and again.
const (
	maxPassing     = 1 << 10
	maxPassingText = 32
)

// broken applies a field's rules to a value: validator's verdict, or what it was before.
func (d *draft) broken(r *rules, f *field, c *cell) (rule string, reason Reason) {
	if f.rules == "" {
		return "", ""
	}
	remember := f.steady && len(c.text) <= maxPassingText
	if remember {
		if _, ok := d.passing[passing{f, string(c.text)}]; ok {
			return "", ""
		}
	}
	if rule, reason = r.broken(&d.receipt, c.value(f.form), f.rules, f.form); rule != "" || !remember {
		return rule, reason
	}
	if d.passing == nil || len(d.passing) == maxPassing {
		d.passing = make(map[passing]struct{})
	}
	d.passing[passing{f, string(c.text)}] = struct{}{}
	return "", ""
}
