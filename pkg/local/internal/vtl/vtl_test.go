package vtl

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestBounds: no template and no body make a rendering large, long or deep without end.
func TestBounds(t *testing.T) {
	loop := "#foreach($i in [1..1000])"
	for name, tc := range map[string]struct{ template, body, want string }{
		"output":               {loop + loop + strings.Repeat("x", 100) + "#end#end", "", "prints more than"},
		"a string":             {`#set($s = "x")` + loop + `#set($s = "$s$s")#end`, "", "prints more than"},
		"replace":              {`#set($s = "x")` + loop + `#set($s = $s.replace("x", "xx"))#end`, "", "text of more than"},
		"replaceAll":           {`#set($s = "xy")` + loop + `#set($s = $s.replaceAll("(x)", "$1$1"))#end`, "", "more than"},
		"all strings":          {`#set($s = "0123456789abcdef")#foreach($i in [1..10])#set($s = "$s$s")#end` + loop + loop + `#set($x = "$s")#end#end`, "", "makes or reads"},
		"loops":                {loop + loop + loop + "#set($x = $i)#end#end#end", "", "steps"},
		"a list":               {`#set($l = [1])` + loop + `#set($x = $l.addAll($l))#end`, "", "steps"},
		"a list printed":       {`#set($l = [1])#foreach($i in [1..900])#set($l = [$l, $l])#end$l`, "", "steps"},
		"lists compared":       {`#set($l = [1])#set($m = [1])#foreach($i in [1..900])#set($l = [$l, $l])#set($m = [$m, $m])#end#if($l == $m)x#end`, "", "steps"},
		"blocks":               {`#define($a)$b$b#end#define($b)$c$c#end#define($c)$a$a#end$a`, "", "deep"},
		"matching":             {`#set($s = "` + strings.Repeat("a", 1000) + `")` + loop + loop + `#set($x = $s.matches("(a|aa|aaa)*b"))#end#end`, "", "steps"},
		"patterns":             {loop + loop + `#set($x = $i.toString().matches("[$i]{100}"))#end#end`, "", "steps"},
		"nesting":              {strings.Repeat("#if($x)", 101) + strings.Repeat("#end", 101), "", "nested more than"},
		"brackets":             {"#set($x = " + strings.Repeat("[", 100_000), "", "nested more than"},
		"parentheses":          {"#set($x = " + strings.Repeat("(", 100_000), "", "nested more than"},
		"not":                  {"#set($x = " + strings.Repeat("!", 100_000), "", "nested more than"},
		"indices":              {strings.Repeat("$a[", 100_000), "", "nested more than"},
		"operators":            {"#set($x = 1" + strings.Repeat(" + 1", 1000) + ")", "", "operators in a row"},
		"a template":           {strings.Repeat("x", maxTemplate+1), "", "API Gateway's limit"},
		"a body's depth":       {"$input.json('$')", strings.Repeat("[", 1001) + strings.Repeat("]", 1001), "not valid JSON"},
		"a body read in depth": {loop + "#set($x = $input.json('$..*'))#end", strings.Repeat("[", 900) + `"` + strings.Repeat("x", 1<<20) + `"` + strings.Repeat("]", 900), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, tc.template, &Request{Body: []byte(tc.body)})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestBodyFault(t *testing.T) {
	for name, tc := range map[string]struct {
		template, body string
		want           bool
	}{
		"a body that is no JSON":           {"$input.json('$.a')", "{", true},
		"a body with something behind it":  {"$input.path('$.a')", "{} {}", true},
		"a parsed text that is no JSON":    {"$util.parseJson('{')", "{", false},
		"another fault with the same body": {"$input.body.nope()", "{", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, tc.template, &Request{Body: []byte(tc.body)})
			if err == nil || errors.Is(err, ErrBody) != tc.want {
				t.Errorf("error %v is ErrBody: %v, want %v", err, !tc.want, tc.want)
			}
		})
	}
}

// TestErrorsAreDiscreet: an error's text shows nothing that a request said.
func TestErrorsAreDiscreet(t *testing.T) {
	secret := "s3cr3t["
	body := []byte(`{"s":"` + secret + `","n":` + quote(secret) + `}`)
	for _, source := range []string{
		`$input.path("$.${input.path('$.s')}")`, `#set($s = $input.path('$.s'))$s.matches($s)`, `$s.substring(99)#set($s = $input.path('$.s'))$s.substring(99)`,
		`$util.parseJson($input.path('$.s'))`, `$util.base64Decode($input.path('$.s'))`, `#set($s = $input.path('$.s'))$util.urlDecode("%$s")`,
		`#set($x = $input.path('$.s') * 2)`, `#foreach($i in $input.path('$.s'))x#end`, `#set($m = {})#set($m[$input.path('$')] = 1)`,
		`#set($context.responseOverride[$input.path('$.s')] = 1)`, `#set($s = $input.path('$.s'))$s.replaceAll("s", "$s$")`,
	} {
		_, err := render(t, source, &Request{Body: body})
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("template %q: error %v", source, err)
		}
	}
}

func TestRenderIsConcurrent(t *testing.T) {
	tmpl := requestTemplate(t, "/records")
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			body := fmt.Sprintf(`{"Records":[{"Data":{"n":%d}},{"Data":[%[1]d],"PartitionKey":"k%[1]d"}]}`, g)
			want, err := tmpl.Render(mappingRequest([]byte(body), "s"))
			for range 100 {
				got, err2 := tmpl.Render(mappingRequest([]byte(body), "s"))
				if err != nil || err2 != nil || string(got) != string(want) {
					t.Errorf("got %s (%v), want %s (%v)", got, err2, want, err)
				}
			}
		})
	}
	all.Wait()
}
