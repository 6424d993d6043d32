package event

import (
	"fmt"
	"go/token"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

type (
	noName  struct{ URL string }
	options struct {
		URL string `json:"url,omitempty"`
	}
	badTag struct {
		URL string `json:"url" defualt:"x"`
	}
	embeds    struct{ Viewport }
	upperCase struct {
		URL string `json:"URL"`
	}
	renamed struct {
		URL string `json:"URL" column:"url" validate:"max=3"`
	}
	camel struct {
		URL string `json:"url" column:"theURL"`
	}
	long struct {
		URL string `json:"url" doc:"two\nlines"`
	}
	unknownRule struct {
		URL string `json:"url" validate:"max=2,htp_url"`
	}
	badParam struct {
		URL string `json:"url" validate:"max=two"`
	}
	badKind struct {
		OK bool `json:"ok" validate:"max=2"`
	}
	otherField struct {
		A string `json:"a" validate:"eqfield=B"`
	}
	requiredIf struct {
		A string `json:"a" validate:"required_if=B 1"`
	}
	ownDefault struct {
		Level string `json:"level" default:"eror" validate:"oneof=error info"`
	}
	notDefault struct {
		Line int32 `json:"line" default:"seven"`
	}
	bigDefault struct {
		Line int8 `json:"line" default:"128"`
	}
	timeDefault struct {
		At Timestamp `json:"at" default:"yesterday"`
	}
	bothDefault struct {
		Line int32 `json:"line" default:"7" validate:"required"`
	}
	listDefault struct {
		L []string `json:"l" default:"[]"`
	}
	objDefault struct {
		V Viewport `json:"v" default:"{\"width\":1}"`
	}
	reqDefault struct {
		I Item `json:"i" default:"{}"`
	}
	plainInt struct {
		N int `json:"n"`
	}
	pointer struct {
		N *int32 `json:"n"`
	}
	unsigned struct {
		N uint32 `json:"n"`
	}
	anything struct {
		N any `json:"n"`
	}
	intMap struct {
		M map[string]int32 `json:"m"`
	}
	lists struct {
		L [][]string `json:"l"`
	}
	objRule struct {
		V Viewport `json:"v" validate:"min=1"`
	}
	diveText struct {
		A string `json:"a" validate:"dive,max=2"`
	}
	keysList struct {
		L []string `json:"l" validate:"dive,keys,max=2,endkeys,max=3"`
	}
	badElement struct {
		L []string `json:"l" validate:"dive,mx=2"`
	}
	badKey struct {
		M map[string]string `json:"m" validate:"dive,keys,mx=2,endkeys"`
	}
	noKeys struct {
		M map[string]string `json:"m" validate:"dive,max=2,endkeys"`
	}
	recursive struct {
		L []recursive `json:"l"`
	}
	nothing struct {
		V struct{} `json:"v"`
	}
	sameColumn struct {
		A string `json:"a"`
		B string `json:"b" column:"a"`
	}
	commons struct {
		UserID string `json:"user_id"`
	}
	hydrantsOwn struct {
		Producer string `json:"producer"`
	}
	nested struct {
		V struct {
			W struct {
				N int `json:"n"`
			} `json:"w"`
		} `json:"v"`
	}
	urlNumber struct {
		URL int64 `json:"url"`
	}
)

// shaped is a type of the struct T, with a sentence that says nothing.
func shaped[T any](name string) kind { return define[T](name, "It happened.", "{}") }

// made is a type t with fields of these names and tags, for what vet would not let stand in a source file.
func made(namesAndTags ...string) kind {
	var fields []reflect.StructField
	for i := 0; i < len(namesAndTags); i += 2 {
		f := reflect.StructField{Name: namesAndTags[i], Type: reflect.TypeFor[string](), Tag: reflect.StructTag(namesAndTags[i+1])}
		if !token.IsExported(f.Name) {
			f.PkgPath = "hydrant/pkg/event"
		}
		fields = append(fields, f)
	}
	return kind{name: "t", shape: reflect.StructOf(fields), doc: "It happened."}
}

func TestMistakesInACatalogueAreNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		kind kind
		want string // a regular expression
	}{
		"no name":                          {shaped[noName]("t"), `event type t, field URL: .*no json tag`},
		"options":                          {shaped[options]("t"), `field URL: .*options`},
		"a typo in a tag's key":            {shaped[badTag]("t"), `field URL: the tag "defualt" is unknown`},
		"a tag that cannot be read":        {made("URL", `json:"url" validate:max=2`), `field URL: its tags cannot be read from "validate:max=2"`},
		"a tag twice":                      {made("URL", `json:"url" doc:"a" doc:"b"`), `field URL: the tag "doc" .*twice`},
		"a field that is not exported":     {made("url", `json:"url"`), `field url: .*exported`},
		"an embedded struct":               {shaped[embeds]("t"), `field Viewport: .*embedded`},
		"a column in upper case":           {shaped[upperCase]("t"), `field URL: the column name "URL"`},
		"a column of mixed case":           {shaped[camel]("t"), `field URL: the column name "theURL"`},
		"a comment of two lines":           {shaped[long]("t"), `field URL: .*one line`},
		"an unknown rule":                  {shaped[unknownRule]("t"), `field URL: validate: .*htp_url`},
		"a parameter that is no number":    {shaped[badParam]("t"), `field URL: validate: .*two`},
		"a rule for another Go type":       {shaped[badKind]("t"), `field OK: validate: .*bool`},
		"a rule on two fields":             {shaped[otherField]("t"), `field A: validate: eqfield looks at other fields`},
		"a conditional rule":               {shaped[requiredIf]("t"), `field A: validate: required_if looks at other fields`},
		"a default its own rule refuses":   {shaped[ownDefault]("t"), `field Level: default "eror": its own rule oneof=error info refuses it`},
		"a default of another type":        {shaped[notDefault]("t"), `field Line: default "seven": it is refused as no integer`},
		"a default that does not fit":      {shaped[bigDefault]("t"), `field Line: default "128": it is refused as no tinyint`},
		"a default that is no time":        {shaped[timeDefault]("t"), `field At: default "yesterday"`},
		"a default for a required field":   {shaped[bothDefault]("t"), `field Line: it is required`},
		"a default for a list":             {shaped[listDefault]("t"), `field L: default .*a list or a map has no default`},
		"a default for an object's member": {shaped[objDefault]("t"), `field V: default .*members have their own`},
		"a default for what needs members": {shaped[reqDefault]("t"), `field I: default .*a member is required`},
		"int":                              {shaped[plainInt]("t"), `field N: the Go type int has no column type`},
		"a pointer":                        {shaped[pointer]("t"), `field N: the Go type \*int32 has no column type`},
		"unsigned":                         {shaped[unsigned]("t"), `field N: the Go type uint32 has no column type`},
		"any":                              {shaped[anything]("t"), `field N: the Go type interface .* has no column type`},
		"a map of numbers":                 {shaped[intMap]("t"), `field M: the Go type map\[string\]int32 has no column type`},
		"a list of lists":                  {shaped[lists]("t"), `field L: a list of \[\]string has no column type`},
		"a rule for an object":             {shaped[objRule]("t"), `field V: validate: an object takes no rule`},
		"dive into text":                   {shaped[diveText]("t"), `field A: validate: dive is for lists and maps`},
		"keys of a list":                   {shaped[keysList]("t"), `field L: validate: keys is for maps`},
		"an unknown rule for elements":     {shaped[badElement]("t"), `field L: validate: .*mx`},
		"an unknown rule for keys":         {shaped[badKey]("t"), `field M: validate: .*mx`},
		"endkeys without keys":             {shaped[noKeys]("t"), `field M: validate: endkeys without keys`},
		"a struct that contains itself":    {shaped[recursive]("t"), `field L.L: .*contains itself`},
		"an object without members":        {shaped[nothing]("t"), `field V: .*no fields`},
		"one name twice":                   {made("A", `json:"a"`, "B", `json:"a"`), `field B: the name "a" or the column "a" is taken`},
		"one column twice":                 {shaped[sameColumn]("t"), `field B: the name "b" or the column "a" is taken`},
		"a common field":                   {shaped[commons]("t"), `field UserID: the name "user_id"`},
		"a column that hydrant sets":       {shaped[hydrantsOwn]("t"), `field Producer: the name "producer"`},
		"deep inside":                      {shaped[nested]("t"), `event type t, field V.W.N: the Go type int`},
		"no struct":                        {shaped[string]("t"), `event type t: string is no struct`},
		"a name in upper case":             {shaped[PageView]("PageView"), `event type "PageView"`},
		"a name that is there":             {shaped[PageView]("page_view"), `event type "page_view": .*twice`},
		"one column with two types":        {shaped[urlNumber]("t"), `event type t, field url: column url would be bigint, but event type page_view has it as string`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newJudge(compile([]kind{shaped[PageView]("page_view"), tc.kind}))
			if err == nil || !regexp.MustCompile(tc.want).MatchString(err.Error()) {
				t.Errorf("error: %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	_, err := newJudge(compile([]kind{shaped[plainInt]("a"), shaped[pointer]("b")}))
	if err == nil || strings.Count(err.Error(), "has no column type") != 2 {
		t.Errorf("error: %v", err)
	}
}

// wide uses what the shipped catalogue does not.
type wide struct {
	Tiny   int8        `json:"tiny" default:"-128"`
	Small  int16       `json:"small"`
	Single float32     `json:"single" default:"0.5"`
	At     Timestamp   `json:"at" default:"2026-11-22T09:30:00Z"`
	Tags   []string    `json:"tags" validate:"max=3,dive,min=1,max=4"`
	Times  []Timestamp `json:"times"`
	Caps   string      `json:"theCaps" column:"caps" default:""`
	Geo    struct {
		Points []struct {
			X     float64           `json:"x" default:"1"`
			Attrs map[string]string `json:"attrs" validate:"max=1"`
		} `json:"points" validate:"max=2"`
	} `json:"geo"`
	Box struct {
		Labels map[string]string `json:"labels" validate:"dive,min=1"`
		Depth  int16             `json:"depth" default:"3"`
	} `json:"box" default:"{}"`
}

func TestFieldsOfEveryKind(t *testing.T) {
	j, err := newJudge(compile([]kind{shaped[wide]("wide"), shaped[renamed]("renamed")}))
	if err != nil {
		t.Fatal(err)
	}
	const head = `{"type":"wide","event_id":"derived-id","occurred_at":"2026-11-22T09:30:00.500Z","schema_version":1,"test":false,` +
		`"received_at":"2026-11-22T09:30:00.500Z","producer":"shop","request_id":"Bx3dEf==","attempt":2,`
	for data, want := range map[string]string{
		`{"type":"wide"}`:                          head + `"tiny":-128,"single":0.5,"at":"2026-11-22T09:30:00.000Z","caps":"","box":{"depth":3}}`,
		`{"type":"wide","box":{"labels":{"a":5}}}`: `/box/labels/a wrong_type`,
		`{"type":"wide","tiny":127,"small":-32768,"single":0.1,"at":0,"tags":[]}`: "/at out_of_range",
		`{"type":"wide","tags":["a","abcd"],"times":[1795339800500,"2026-11-22T09:30:00+01:00"],"theCaps":"x","caps":"y"}`: head +
			`"extra":"{\"caps\":\"y\"}","tiny":-128,"single":0.5,"at":"2026-11-22T09:30:00.000Z","tags":["a","abcd"],` +
			`"times":["2026-11-22T09:30:00.500Z","2026-11-22T08:30:00.000Z"],"caps":"x","box":{"depth":3}}`,
		`{"type":"wide","geo":{"points":[{"y":1},{"x":2,"attrs":{"a":"b"}}]}}`: head +
			`"extra":"{\"geo\":{\"points\":[{\"y\":1}]}}","tiny":-128,"single":0.5,"at":"2026-11-22T09:30:00.000Z","caps":"",` +
			`"geo":{"points":[{"x":1},{"x":2,"attrs":{"a":"b"}}]},"box":{"depth":3}}`,
		`{"type":"wide","tags":["a","","abcde",4]}`:                                     "/tags too_many",
		`{"type":"wide","tags":["a","","abcde"]}`:                                       "/tags/1 too_short, /tags/2 too_long",
		`{"type":"wide","tiny":128,"small":-32769,"single":1e39}`:                       "/tiny out_of_range, /small out_of_range, /single out_of_range",
		`{"type":"wide","geo":{"points":[{"attrs":{"a":"b","c":"d"}},{"x":"1"},{},5]}}`: "/geo/points/1/x wrong_type, /geo/points too_many",
		`{"type":"renamed","URL":"long"}`:                                               "/URL too_long",
	} {
		row, out := j.AppendRow(nil, []byte(data), origin)
		got := strings.TrimSuffix(string(row), "\n")
		if len(out.Rejections) > 0 {
			var all []string
			for _, r := range out.Rejections {
				all = append(all, fmt.Sprintf("%s %s", r.Field, r.Reason))
			}
			got = strings.Join(all, ", ")
		}
		if got != want {
			t.Errorf("%s\n%s\nwant:\n%s", data, got, want)
		}
	}
}

// Names are told apart by the object that they are in, also where there are many.
func TestManyNamesInObjectsInEachOther(t *testing.T) {
	j, err := newJudge(compile([]kind{shaped[wide]("wide")}))
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for i := range 40 {
		labels = append(labels, fmt.Sprintf(`"n%d":"x"`, i))
	}
	members := strings.Join(labels, ",")
	data := `{"type":"wide","box":{` + members + `,"labels":{` + members + `}},` + members + `}`
	if _, out := j.AppendRow(nil, []byte(data), origin); len(out.Rejections) > 0 || out.Unknown != 80 {
		t.Errorf("%+v", out)
	}
	data = `{"type":"wide","box":{"labels":{` + members + `,"n39":"x"}}}`
	if _, out := j.AppendRow(nil, []byte(data), origin); len(out.Rejections) != 1 || out.Rejections[0].Reason != DuplicateName {
		t.Errorf("a label twice: %+v", out)
	}
}

// Code that sets common fields knows them by their place.
func TestCommonFieldsAreInPlace(t *testing.T) {
	j := judge(t)
	for _, p := range append([]*plan{j.bare}, j.plans["page_view"], j.plans["purchase"], j.plans["app_error"]) {
		for i, name := range map[int]string{
			fieldType: "type", fieldEventID: "event_id", fieldOccurredAt: "occurred_at", fieldReceivedAt: "received_at",
			fieldProducer: "producer", fieldRequestID: "request_id", fieldAttempt: "attempt", fieldExtra: "extra",
		} {
			if p.fields[i].name != name {
				t.Errorf("field %d is %s, want %s", i, p.fields[i].name, name)
			}
		}
	}
}
