package vtl

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// errStop unwinds the renderer at #stop.
var errStop = errors.New("stop")

// run is one rendering.
type run struct {
	template *Template
	request  *Request
	printer
	vars   []value
	loop   *loop
	steps  int
	made   int
	blocks int // of #define, in use within each other
	body   *document
	params *dict
	*scratch
}

// scratch is memory that one rendering leaves to another: of what is written into it, only copies go anywhere.
type scratch struct {
	printed []byte // run.out grows in it
	work    []byte // for one function at a time
}

var scratches = sync.Pool{New: func() any { return &scratch{} }}

// keepBytes is the largest buffer that is kept for another rendering.
const keepBytes = 1 << 20

func newRun(t *Template, request *Request) *run {
	r := &run{template: t, request: request, vars: make([]value, t.slots), scratch: scratches.Get().(*scratch)}
	r.printer.r = r
	r.out = r.printed[:0]
	r.vars[slotInput] = inputObject{}
	r.vars[slotUtil] = utilObject{}
	r.vars[slotStageVariables] = stageObject{}
	r.vars[slotContext] = &contextMap{members: request.Context}
	return r
}

// end gives the run's memory away.
func (r *run) end() {
	if r.printed = r.out; cap(r.printed) <= keepBytes && cap(r.work) <= keepBytes {
		scratches.Put(r.scratch)
	}
}

// fail gives an error the place where it happened, unless it has one.
func (r *run) fail(pos int, err error) error {
	if err == nil {
		return nil
	}
	return r.template.errorAt(pos, err)
}

func (b block) render(r *run) error {
	for _, n := range b {
		if err := n.render(r); err != nil {
			return err
		}
	}
	return nil
}

func (t text) render(r *run) error {
	return r.fail(0, r.add(string(t)))
}

func (stop) render(*run) error { return errStop }

func (d *define) render(r *run) error {
	r.vars[d.slot] = d
	return nil
}

func (s *set) render(r *run) error {
	if err := r.step(1); err != nil {
		return r.fail(s.pos, err)
	}
	v, err := s.value.eval(r)
	if err != nil {
		return r.fail(s.pos, err)
	}
	// Velocity 1.x: "If the right hand side is a property or method reference that evaluates to null, it will not be assigned."
	if v == nil {
		return nil
	}
	return r.fail(s.pos, s.target.assign(r, v))
}

func (c *conditional) render(r *run) error {
	for i := range c.branches {
		b := &c.branches[i]
		if err := r.step(1); err != nil {
			return r.fail(b.pos, err)
		}
		v, err := b.condition.eval(r)
		if err != nil {
			return r.fail(b.pos, err)
		}
		if truth(v) {
			return b.body.render(r)
		}
	}
	return c.otherwise.render(r)
}

// truth: an undefined or null reference is true on API Gateway, unlike in Velocity; false alone is false.
func truth(v value) bool {
	b, ok := v.(bool)
	return !ok || b
}

func (f *foreach) render(r *run) error {
	v, err := f.list.eval(r)
	if err != nil {
		return r.fail(f.pos, err)
	}
	items, of, ok := elements(v)
	if !ok {
		return r.fail(f.pos, fmt.Errorf("#foreach cannot go through %s", kindOf(v)))
	}
	n := len(items.items)
	if n > maxIterations {
		return r.fail(f.pos, fmt.Errorf("#foreach has API Gateway's limit of %d iterations", maxIterations))
	}
	l := &loop{size: n, parent: r.loop}
	outer := [...]value{r.vars[f.slot], r.vars[slotForeach], r.vars[slotCount], r.vars[slotHasNext]}
	defer func() {
		r.vars[f.slot], r.vars[slotForeach], r.vars[slotCount], r.vars[slotHasNext] = outer[0], outer[1], outer[2], outer[3]
		r.loop = l.parent
	}()
	r.loop, r.vars[slotForeach] = l, l
	for i := range n {
		if err := r.step(1); err != nil {
			return r.fail(f.pos, err)
		}
		if len(items.items) != n || of != nil && len(of.keys) != n {
			return r.fail(f.pos, errors.New("a list or map must not grow or shrink while #foreach goes through it"))
		}
		l.index = i
		r.vars[f.slot], r.vars[slotCount], r.vars[slotHasNext] = items.at(i), int64(i+1), i < n-1
		if err := f.body.render(r); err != nil {
			return err
		}
	}
	return nil
}

func (ref *reference) render(r *run) error {
	v, err := ref.eval(r)
	if err != nil {
		return err
	}
	if ref.backslash > 0 {
		if v == nil {
			return r.fail(ref.pos, fmt.Errorf(`\$%s is not supported while $%[1]s is undefined: what API Gateway prints is not known`, ref.name))
		}
		if err := r.add(strings.Repeat(`\`, ref.backslash/2)); err != nil {
			return r.fail(ref.pos, err)
		}
		if ref.backslash%2 == 1 {
			return r.fail(ref.pos, r.add(ref.source))
		}
	}
	return r.fail(ref.pos, r.print(v))
}

// use renders a #define block where its reference stands, and answers the text.
func (d *define) use(r *run) (string, error) {
	if r.blocks++; r.blocks > maxNesting {
		return "", fmt.Errorf("#define blocks use each other more than %d deep", maxNesting)
	}
	defer func() { r.blocks-- }()
	return r.capture(d.body)
}

// capture renders a block into a string of its own.
func (r *run) capture(b block) (string, error) {
	start := len(r.out)
	err := b.render(r)
	s := string(r.out[start:])
	r.out = r.out[:start]
	return s, err
}

// loop is $foreach.
type loop struct {
	index, size int
	parent      *loop
}

func (l *loop) kind() string { return "$foreach" }

func (l *loop) property(_ *run, name string) (value, error) {
	switch name {
	case "index":
		return int64(l.index), nil
	case "count":
		return int64(l.index + 1), nil
	case "hasNext":
		return l.index < l.size-1, nil
	case "first":
		return l.index == 0, nil
	case "last":
		return l.index == l.size-1, nil
	case "parent":
		if l.parent == nil {
			return nil, nil
		}
		return l.parent, nil
	}
	return nil, fmt.Errorf("$foreach.%s is not supported", name)
}

func (l *loop) call(_ *run, a *accessor, _ []value) (value, error) {
	return nil, fmt.Errorf("$foreach.%s() is not supported", a.name)
}
