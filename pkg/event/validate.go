package event

// validate judges every value that was sent by its field's rules. What was filled in needs none: NewJudge has tried the defaults.
func (d *draft) validate(r *rules, p *plan, first int) {
	for i := range p.fields {
		if d.cells[first+i].state == sent {
			d.push(step{name: p.fields[i].name})
			d.validateValue(r, &p.fields[i], first+i)
			d.way = d.way[:len(d.way)-1]
		}
	}
}

func (d *draft) validateValue(r *rules, f *field, at int) {
	c := &d.cells[at]
	if f.rules != "" && !f.bounds.keeps(f.form, c) {
		if rule, reason := r.broken(&d.receipt, c.value(f.form), f.rules, f.form); rule != "" {
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
				d.push(step{index: i, element: true})
				d.validateValue(r, f.element, e)
				d.way = d.way[:len(d.way)-1]
			}
		}
	case texts:
		for e := c.first; e < c.first+2*c.count; e += 2 {
			d.validateText(r, f, d.cells[e].text, e+1)
		}
	}
}

// validateText judges a member of an object of strings: its name and the value at a cell.
func (d *draft) validateText(r *rules, f *field, name string, at int) {
	d.push(step{name: name})
	if f.key.rules != "" && !f.key.bounds.keepsName(name) {
		if rule, reason := r.broken(&d.receipt, name, f.key.rules, text); rule != "" {
			d.reject("name "+rule, reason)
		}
	}
	if d.cells[at].state == sent {
		d.validateValue(r, f.element, at)
	}
	d.way = d.way[:len(d.way)-1]
}
