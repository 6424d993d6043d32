package vtl

// node is a piece of a template that prints.
type node interface {
	render(r *run) error
}

// expression is a piece of a template that has a value.
type expression interface {
	eval(r *run) (value, error)
}

type (
	block []node

	text string

	// set is #set(target = value).
	set struct {
		pos    int
		target *reference
		value  expression
	}

	// conditional is #if with its #elseif branches; otherwise is nil without #else.
	conditional struct {
		branches  []branch
		otherwise block
	}
	branch struct {
		pos       int
		condition expression
		body      block
	}

	// foreach is #foreach($slot in list).
	foreach struct {
		pos  int
		slot int
		list expression
		body block
	}

	// define is #define($slot): the block is rendered anew wherever the reference is used.
	define struct {
		slot int
		body block
	}

	stop struct{}
)

// reference is $root and the accessors behind it.
type reference struct {
	pos       int
	source    string // as written, for an escaped reference
	backslash int    // how many backslashes stand before it, in text
	name      string
	slot      int
	path      []accessor
}

// accessor is .name, .name(args) or [index].
type accessor struct {
	pos    int
	name   string       // "" for an index
	call   bool         // .name(args)
	args   []expression // of a call; of an index the one index
	ready  any          // what Parse made of constant arguments: a *path for $input.json, a *regex for replaceAll
	method *method
}

type (
	constant struct{ value value }

	// interpolated is a double-quoted string that holds $ or #: a template within the template.
	interpolated struct {
		pos  int
		body block
	}

	listLiteral struct{ items []expression }

	rangeLiteral struct{ from, to int64 }

	mapLiteral struct {
		pos        int
		keys, vals []expression
	}

	unary struct{ operand expression }

	binary struct {
		pos         int
		operator    string
		left, right expression
	}
)
