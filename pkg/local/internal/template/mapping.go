package template

// mapping is one of the Mappings: two levels of names, and at the end a text or a list of texts.
type mapping struct {
	top map[string]map[string]*node
}

func (t *Template) readMapping(m entry, at *trail) error {
	out := &mapping{top: make(map[string]map[string]*node)}
	if m.value.call != "" || m.value.kind != Map {
		return t.fault(m.value.pos, at, "expected a map of top-level keys, found %s", m.value.what())
	}
	for _, top := range m.value.members {
		if top.value.call != "" || top.value.kind != Map {
			return t.fault(top.value.pos, at.member(top.name), "expected a map of second-level keys, found %s", top.value.what())
		}
		values := make(map[string]*node)
		for _, second := range top.value.members {
			if !mappingValue(second.value) {
				return t.fault(second.value.pos, at.member(top.name).member(second.name),
					"a mapping holds text or a list of texts, and no function, found %s", second.value.what())
			}
			values[second.name] = second.value
		}
		out.top[top.name] = values
	}
	if t.mappings == nil {
		t.mappings = make(map[string]*mapping)
	}
	t.mappings[m.name] = out
	return nil
}

func mappingValue(n *node) bool {
	if n.literal() {
		return true
	}
	if n.call != "" || n.kind != List {
		return false
	}
	for _, item := range n.items {
		if !item.literal() {
			return false
		}
	}
	return true
}
