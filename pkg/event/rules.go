package event

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"
)

// customRules are the rules that validator does not bring. They are written in a validate tag like any other; a rule that needs a reason
// of its own also has a line in ruleReasons.
var customRules = map[string]validator.FuncCtx{
	"identifier":        isIdentifier,
	"not_after_receipt": isNotAfterReceipt,
}

// isCustom reports whether a rule is one of these, or has one among its alternatives: they may judge by more than the value.
func isCustom(rule string) bool {
	return slices.ContainsFunc(strings.Split(rule, "|"), func(alternative string) bool {
		name, _, _ := strings.Cut(alternative, "=")
		return customRules[name] != nil
	})
}

// isIdentifier is the rule of an event's id: A-Z a-z 0-9 - _ . :
func isIdentifier(_ context.Context, fl validator.FieldLevel) bool {
	return isPlainIdentifier([]byte(fl.Field().String()))
}

func isPlainIdentifier(s []byte) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !isDigit(c) && c != '-' && c != '_' && c != '.' && c != ':' {
			return false
		}
	}
	return true
}

// isNotAfterReceipt is the rule that a time lies at most its parameter, a duration, behind the arrival of the event.
func isNotAfterReceipt(ctx context.Context, fl validator.FieldLevel) bool {
	leeway, err := time.ParseDuration(fl.Param())
	if err != nil {
		panic(err) // validator's own way with a bad parameter; NewJudge tries every rule
	}
	r, ok := ctx.(*receipt)
	return !ok || fl.Field().Int() <= r.at+leeway.Milliseconds()
}

// receipt is the context in which an event is validated: it knows when the event arrived.
type receipt struct {
	context.Context
	at int64 // Unix milliseconds
}

// ruleReasons says why a value that breaks a rule is refused, by what the rule measures. InvalidFormat is for all that is not here.
var ruleReasons = map[string]struct{ text, number, members Reason }{
	"max":               {TooLong, OutOfRange, TooMany},
	"lte":               {TooLong, OutOfRange, TooMany},
	"lt":                {TooLong, OutOfRange, TooMany},
	"min":               {TooShort, OutOfRange, TooFew},
	"gte":               {TooShort, OutOfRange, TooFew},
	"gt":                {TooShort, OutOfRange, TooFew},
	"eq":                {NotAllowed, NotAllowed, NotAllowed},
	"ne":                {NotAllowed, NotAllowed, NotAllowed},
	"oneof":             {NotAllowed, NotAllowed, NotAllowed},
	"not_after_receipt": {InFuture, InFuture, InFuture},
}

// rules is the one instance of validator.
type rules struct{ validate *validator.Validate }

func newRules() (*rules, error) {
	v := validator.New()
	for name, fn := range customRules {
		if err := v.RegisterValidationCtx(name, fn); err != nil {
			return nil, fmt.Errorf("rule %s: %w", name, err)
		}
	}
	return &rules{v}, nil
}

// broken applies the rules to a value of a field of this form. It returns the one that the value breaks, with its parameter, "" if there is none.
func (r *rules) broken(ctx context.Context, value any, rules string, f form) (rule string, reason Reason) {
	err := r.validate.VarCtx(ctx, value, rules)
	if err == nil {
		return "", ""
	}
	var failures validator.ValidationErrors
	if !errors.As(err, &failures) {
		panic(err) // validator was handed what is no value
	}
	rule = failures[0].Tag()
	name, _, _ := strings.Cut(rule[strings.LastIndexByte(rule, '|')+1:], "=")
	if param := failures[0].Param(); param != "" && !strings.Contains(rule, "|") {
		rule += "=" + param
	}
	reasons, ok := ruleReasons[name]
	switch {
	case !ok:
		return rule, InvalidFormat
	case f == text:
		return rule, reasons.text
	case f == list || f == texts:
		return rule, reasons.members
	}
	return rule, reasons.number
}

// try applies each of the rules to a zero value and returns what validator panics with. One by one: it stops at the first that is broken.
func (r *rules) try(rules string, f form) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New(strings.TrimSuffix(fmt.Sprint(p), " on field ''")) // it was given a value, so it knows no field
		}
	}()
	zero := cell{}
	for _, rule := range splitList(rules) {
		r.broken(context.Background(), zero.value(f), rule, f)
	}
	return nil
}

// fill is the cell of an absent field f whose default tag says fallback.
func (r *rules) fill(f *field, fallback string) (cell, error) {
	c := cell{state: filled}
	switch f.form {
	case list, texts:
		return c, errors.New("a list or a map has no default")
	case object:
		if fallback != "{}" {
			return c, errors.New("the default of an object is {}: its members have their own")
		}
		if len(f.object.required) > 0 {
			return c, errors.New("a member is required, so {} is no object of its kind")
		}
		return c, nil
	case text, timestamp:
		fallback = string(appendText(nil, fallback))
	}
	if rule, _ := f.scan([]byte(fallback), false, &c); rule != "" {
		return c, fmt.Errorf("it is refused as no %s", rule)
	}
	if rule, _ := r.broken(context.Background(), c.value(f.form), f.rules, f.form); rule != "" {
		return c, fmt.Errorf("its own rule %s refuses it", rule)
	}
	return c, nil
}
