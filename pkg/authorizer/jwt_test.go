package authorizer_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hydrant/pkg/authorizer"
)

// Tokens and what they get. They are made, and judged, at one moment.
var tokens = map[string]struct {
	token func() string
	want  authorizer.Reason
	as    string // the producer
}{
	"RS256": {func() string { return rs256() }, authorizer.ReasonGenuine, "shop-web"},
	"ES256": {func() string {
		return sign("ES256", p256(), header("alg", `"ES256"`, "kid", `"p256"`), claims())
	}, authorizer.ReasonGenuine, "shop-web"},
	"ES384": {func() string {
		return sign("ES384", p384(), header("alg", `"ES384"`, "kid", `"p384"`), claims())
	}, authorizer.ReasonGenuine, "shop-web"},
	"EdDSA, with a key that names no algorithm": {func() string {
		return sign("EdDSA", edKey(), header("alg", `"EdDSA"`, "kid", `"ed"`), claims())
	}, authorizer.ReasonGenuine, "shop-web"},
	"no kid, and one key for its algorithm": {func() string {
		return sign("ES256", p256(), header("alg", `"ES256"`, "kid", ""), claims())
	}, authorizer.ReasonGenuine, "shop-web"},
	"no kid, and two keys for its algorithm": {func() string {
		return sign("RS256", rsaKey(), header("kid", ""), claims())
	}, authorizer.ReasonUnknownKey, ""},

	// Algorithms
	"none":                     {unsigned(`"none"`), authorizer.ReasonAlgorithm, ""},
	"None":                     {unsigned(`"None"`), authorizer.ReasonAlgorithm, ""},
	"nOnE with a signature":    {resigned(header("alg", `"nOnE"`)), authorizer.ReasonAlgorithm, ""},
	"no algorithm":             {resigned(header("alg", "")), authorizer.ReasonHeader, ""},
	"an algorithm of null":     {resigned(header("alg", "null")), authorizer.ReasonHeader, ""},
	"an algorithm in an array": {resigned(header("alg", `["RS256"]`)), authorizer.ReasonHeader, ""},
	"an algorithm in any case": {resigned(header("alg", `"rs256"`)), authorizer.ReasonAlgorithm, ""},
	"ALG beside alg":           {resigned(header("ALG", `"none"`)), authorizer.ReasonGenuine, "shop-web"},
	"HS256 with the public key as the secret": {func() string {
		return sign("HS256", []byte(usual()), header("alg", `"HS256"`), claims())
	}, authorizer.ReasonAlgorithm, ""},
	"HS256 with an empty secret": {func() string {
		return sign("HS256", []byte{}, header("alg", `"HS256"`), claims())
	}, authorizer.ReasonAlgorithm, ""},
	"a good algorithm that is not pinned": {func() string {
		return sign("RS512", rsaKey(), header("alg", `"RS512"`), claims())
	}, authorizer.ReasonAlgorithm, ""},
	"RS256 with a key for ES256":   {resigned(header("kid", `"p256"`)), authorizer.ReasonUnknownKey, ""},
	"ES256 with a key for RS256":   {resigned(header("alg", `"ES256"`)), authorizer.ReasonUnknownKey, ""},
	"ES256 with a key on P-384":    {resigned(header("alg", `"ES256"`, "kid", `"p384"`)), authorizer.ReasonUnknownKey, ""},
	"EdDSA with a key for RS256":   {resigned(header("alg", `"EdDSA"`)), authorizer.ReasonUnknownKey, ""},
	"a signature of nothing":       {func() string { return cut(rs256(), 2) + "." }, authorizer.ReasonSignature, ""},
	"a psychic signature":          {psychic(make([]byte, 64)), authorizer.ReasonSignature, ""},
	"a signature with the order":   {psychic(slices.Concat(p256().Params().N.Bytes(), p256().Params().N.Bytes())), authorizer.ReasonSignature, ""},
	"a signature in DER":           {psychic([]byte{0x30, 6, 2, 1, 1, 2, 1, 1}), authorizer.ReasonSignature, ""},
	"another key's signature":      {func() string { return sign("RS256", rsaOther(), header(), claims()) }, authorizer.ReasonSignature, ""},
	"another token's signature":    {func() string { return cut(rs256("sub", `"admin"`), 2) + "." + part(rs256(), 2) }, authorizer.ReasonSignature, ""},
	"a header that was changed":    {func() string { return encode(header("x", "1")) + "." + part(rs256(), 1) + "." + part(rs256(), 2) }, authorizer.ReasonSignature, ""},
	"a signature cut short":        {func() string { return rs256()[:len(rs256())-2] }, authorizer.ReasonSignature, ""},
	"a signature with a bit added": {func() string { return lastLetter(rs256()) }, authorizer.ReasonMalformed, ""},

	// Which key
	"kid with a path":           {resigned(header("kid", `"../../../../dev/null"`)), authorizer.ReasonUnknownKey, ""},
	"kid with SQL":              {resigned(header("kid", `"rsa' OR '1'='1"`)), authorizer.ReasonUnknownKey, ""},
	"kid with a URL":            {resigned(header("kid", `"https://evil.example/key"`)), authorizer.ReasonUnknownKey, ""},
	"kid with a newline":        {resigned(header("kid", `"rsa\nlevel=INFO"`)), authorizer.ReasonUnknownKey, ""},
	"kid in another case":       {resigned(header("kid", `"RSA"`)), authorizer.ReasonUnknownKey, ""},
	"kid with a blank":          {resigned(header("kid", `"rsa "`)), authorizer.ReasonUnknownKey, ""},
	"kid escaped":               {resigned(header("kid", `"\u0072sa"`)), authorizer.ReasonGenuine, "shop-web"},
	"kid of null":               {resigned(header("kid", "null")), authorizer.ReasonHeader, ""},
	"an empty kid":              {resigned(header("kid", `""`)), authorizer.ReasonHeader, ""},
	"kid in a number":           {resigned(header("kid", "1")), authorizer.ReasonHeader, ""},
	"kid in an array":           {resigned(header("kid", `["rsa"]`)), authorizer.ReasonHeader, ""},
	"a kid of 257 bytes":        {resigned(header("kid", quote(strings.Repeat("k", 257)))), authorizer.ReasonHeader, ""},
	"two kids":                  {resigned(`{"alg":"RS256","kid":"rsa","kid":"rsa"}`), authorizer.ReasonMalformed, ""},
	"two kids, one escaped":     {resigned(`{"alg":"RS256","kid":"rsa","k\u0069d":"rsa"}`), authorizer.ReasonMalformed, ""},
	"two algorithms":            {resigned(`{"alg":"none","kid":"rsa","alg":"RS256"}`), authorizer.ReasonMalformed, ""},
	"the attacker's own jwk":    {own("jwk", func() string { return string(made(jwk("rsa", "RS256", &rsaShort().PublicKey).MarshalJSON())) }), authorizer.ReasonSignature, ""},
	"the attacker's own jku":    {own("jku", func() string { return `"https://evil.example/keys"` }), authorizer.ReasonSignature, ""},
	"the attacker's own x5u":    {own("x5u", func() string { return `"https://evil.example/cert"` }), authorizer.ReasonSignature, ""},
	"the attacker's own x5c":    {own("x5c", func() string { return `["MIIB"]` }), authorizer.ReasonSignature, ""},
	"jku in a genuine token":    {resigned(header("jku", `"https://evil.example/keys"`)), authorizer.ReasonGenuine, "shop-web"},
	"x5t in a genuine token":    {resigned(header("x5t", `"AAAA"`)), authorizer.ReasonGenuine, "shop-web"},
	"duplicates deep in a jwk":  {resigned(header("jwk", `{"a":[{"b":1,"b":2}]}`)), authorizer.ReasonMalformed, ""},
	"a header of nested arrays": {resigned(header("x", strings.Repeat("[", 2000)+strings.Repeat("]", 2000))), authorizer.ReasonGenuine, "shop-web"},

	// The rest of the header
	"no typ":                   {resigned(header("typ", "")), authorizer.ReasonGenuine, "shop-web"},
	"typ jwt":                  {resigned(header("typ", `"jwt"`)), authorizer.ReasonGenuine, "shop-web"},
	"typ at+jwt":               {resigned(header("typ", `"at+jwt"`)), authorizer.ReasonGenuine, "shop-web"},
	"typ AT+JWT":               {resigned(header("typ", `"AT+JWT"`)), authorizer.ReasonGenuine, "shop-web"},
	"typ application/at+jwt":   {resigned(header("typ", `"application/at+jwt"`)), authorizer.ReasonGenuine, "shop-web"},
	"typ of a logout token":    {resigned(header("typ", `"logout+jwt"`)), authorizer.ReasonHeader, ""},
	"typ JOSE":                 {resigned(header("typ", `"JOSE"`)), authorizer.ReasonHeader, ""},
	"typ of null":              {resigned(header("typ", "null")), authorizer.ReasonHeader, ""},
	"an empty typ":             {resigned(header("typ", `""`)), authorizer.ReasonHeader, ""},
	"typ in an array":          {resigned(header("typ", `["JWT"]`)), authorizer.ReasonHeader, ""},
	"crit":                     {resigned(header("crit", `["exp"]`, "exp", "1")), authorizer.ReasonHeader, ""},
	"an empty crit":            {resigned(header("crit", "[]")), authorizer.ReasonHeader, ""},
	"crit of null":             {resigned(header("crit", "null")), authorizer.ReasonHeader, ""},
	"crit with b64":            {resigned(header("crit", `["b64"]`, "b64", "false")), authorizer.ReasonHeader, ""},
	"b64 alone":                {resigned(header("b64", "false")), authorizer.ReasonHeader, ""},
	"zip":                      {resigned(header("zip", `"DEF"`)), authorizer.ReasonHeader, ""},
	"a nested token":           {func() string { return sign("RS256", rsaKey(), header("cty", `"JWT"`), rs256()) }, authorizer.ReasonHeader, ""},
	"a nested token, unsaid":   {func() string { return sign("RS256", rsaKey(), header(), rs256()) }, authorizer.ReasonMalformed, ""},
	"a token in quotes nested": {func() string { return sign("RS256", rsaKey(), header(), quote(rs256())) }, authorizer.ReasonMalformed, ""},

	// Form
	"two parts":                      {func() string { return cut(rs256(), 2) }, authorizer.ReasonMalformed, ""},
	"four parts":                     {func() string { return rs256() + ".x" }, authorizer.ReasonMalformed, ""},
	"five parts, as if encrypted":    {func() string { return "a.b.c.d.e" }, authorizer.ReasonMalformed, ""},
	"dots":                           {func() string { return ".." }, authorizer.ReasonMalformed, ""},
	"one dot":                        {func() string { return "." }, authorizer.ReasonMalformed, ""},
	"a word":                         {func() string { return "letmein" }, authorizer.ReasonMalformed, ""},
	"padding":                        {func() string { return rs256() + "==" }, authorizer.ReasonMalformed, ""},
	"base64 of the other alphabet":   {func() string { return strings.Replace(rs256(), ".", "+.", 1) }, authorizer.ReasonMalformed, ""},
	"a newline in it":                {func() string { return strings.Replace(rs256(), ".", "\n.", 1) }, authorizer.ReasonMalformed, ""},
	"a blank behind it":              {func() string { return rs256() + " " }, authorizer.ReasonMalformed, ""},
	"a comma and another token":      {func() string { return rs256() + "," + rs256() }, authorizer.ReasonMalformed, ""},
	"letters that only look right":   {func() string { return strings.Replace(rs256(), "e", "е", 1) }, authorizer.ReasonMalformed, ""},
	"a header of no JSON":            {resigned("alg"), authorizer.ReasonMalformed, ""},
	"a header of null":               {resigned("null"), authorizer.ReasonMalformed, ""},
	"a header in an array":           {resigned("[" + header() + "]"), authorizer.ReasonMalformed, ""},
	"a header and something behind":  {resigned(header() + "{}"), authorizer.ReasonMalformed, ""},
	"a header of no UTF-8":           {resigned(`{"alg":"RS256","kid":"rsa","x":"` + "\xff" + `"}`), authorizer.ReasonMalformed, ""},
	"claims of no JSON":              {claiming("sub"), authorizer.ReasonMalformed, ""},
	"claims of null":                 {claiming("null"), authorizer.ReasonClaim, ""},
	"claims in an array":             {claiming("[]"), authorizer.ReasonMalformed, ""},
	"claims of nothing":              {claiming(""), authorizer.ReasonMalformed, ""},
	"claims and something behind":    {func() string { return sign("RS256", rsaKey(), header(), claims()+"{}") }, authorizer.ReasonMalformed, ""},
	"claims cut short":               {func() string { return sign("RS256", rsaKey(), header(), claims()[:80]) }, authorizer.ReasonMalformed, ""},
	"no claims":                      {claiming("{}"), authorizer.ReasonClaim, ""},
	"two subs":                       {func() string { return rs256("x", `1,"sub":"admin"`) }, authorizer.ReasonMalformed, ""},
	"two subs, one escaped":          {func() string { return rs256("x", `1,"s\u0075b":"admin"`) }, authorizer.ReasonMalformed, ""},
	"two exps":                       {func() string { return rs256("x", `1,"exp":9999999999`) }, authorizer.ReasonMalformed, ""},
	"duplicates deep in a claim":     {func() string { return rs256("x", `{"y":[{"z":1,"z":2}]}`) }, authorizer.ReasonMalformed, ""},
	"half a surrogate pair":          {func() string { return rs256("sub", `"a\ud800"`) }, authorizer.ReasonMalformed, ""},
	"a token of 10,200 bytes":        {func() string { return sized(10_200) }, authorizer.ReasonGenuine, "shop-web"},
	"a token of 20,000 bytes":        {func() string { return sized(20_000) }, authorizer.ReasonTooLarge, ""},
	"a token of 5 megabytes of dots": {func() string { return strings.Repeat(".", 5<<20) }, authorizer.ReasonTooLarge, ""},

	// Times
	"expired 29 seconds ago":           {func() string { return rs256("exp", after(-29*time.Second)) }, authorizer.ReasonGenuine, "shop-web"},
	"expired 30 seconds ago":           {func() string { return rs256("exp", after(-30*time.Second)) }, authorizer.ReasonExpired, ""},
	"expired 31 seconds ago":           {func() string { return rs256("exp", after(-31*time.Second)) }, authorizer.ReasonExpired, ""},
	"expired a fraction too long ago":  {func() string { return rs256("exp", after(-31*time.Second)+".9") }, authorizer.ReasonExpired, ""},
	"valid in 30 seconds":              {func() string { return rs256("nbf", after(30*time.Second)) }, authorizer.ReasonGenuine, "shop-web"},
	"valid in 31 seconds":              {func() string { return rs256("nbf", after(31*time.Second)) }, authorizer.ReasonNotYet, ""},
	"issued 30 seconds from now":       {func() string { return rs256("iat", after(30*time.Second)) }, authorizer.ReasonGenuine, "shop-web"},
	"issued 31 seconds from now":       {func() string { return rs256("iat", after(31*time.Second)) }, authorizer.ReasonNotYet, ""},
	"no iat":                           {func() string { return rs256("iat", "") }, authorizer.ReasonGenuine, "shop-web"},
	"exp with a fraction":              {func() string { return rs256("exp", after(time.Minute)+".5") }, authorizer.ReasonGenuine, "shop-web"},
	"exp with an exponent":             {func() string { return rs256("exp", "4e9") }, authorizer.ReasonGenuine, "shop-web"},
	"no exp":                           {func() string { return rs256("exp", "") }, authorizer.ReasonClaim, ""},
	"exp of null":                      {func() string { return rs256("exp", "null") }, authorizer.ReasonClaim, ""},
	"exp in a text":                    {func() string { return rs256("exp", `"4000000000"`) }, authorizer.ReasonClaim, ""},
	"exp in an array":                  {func() string { return rs256("exp", "[4000000000]") }, authorizer.ReasonClaim, ""},
	"exp true":                         {func() string { return rs256("exp", "true") }, authorizer.ReasonClaim, ""},
	"exp in milliseconds":              {func() string { return rs256("exp", "4000000000000") }, authorizer.ReasonClaim, ""},
	"exp beyond all numbers":           {func() string { return rs256("exp", "1e400") }, authorizer.ReasonClaim, ""},
	"exp that overflows":               {func() string { return rs256("exp", "9223372036854775808") }, authorizer.ReasonClaim, ""},
	"exp below zero":                   {func() string { return rs256("exp", "-1") }, authorizer.ReasonClaim, ""},
	"exp zero":                         {func() string { return rs256("exp", "0") }, authorizer.ReasonExpired, ""},
	"Exp instead of exp":               {func() string { return rs256("exp", "", "Exp", "4000000000") }, authorizer.ReasonClaim, ""},
	"nbf of null":                      {func() string { return rs256("nbf", "null") }, authorizer.ReasonClaim, ""},
	"nbf in a text":                    {func() string { return rs256("nbf", `"0"`) }, authorizer.ReasonClaim, ""},
	"iat of null":                      {func() string { return rs256("iat", "null") }, authorizer.ReasonClaim, ""},
	"iat in an object":                 {func() string { return rs256("iat", "{}") }, authorizer.ReasonClaim, ""},
	"expired and signed by another":    {func() string { return sign("RS256", rsaOther(), header(), claims("exp", "1")) }, authorizer.ReasonSignature, ""},
	"wrong issuer, signed by another":  {func() string { return sign("RS256", rsaOther(), header(), claims("iss", `"x"`)) }, authorizer.ReasonSignature, ""},
	"wrong issuer, known key":          {func() string { return rs256("iss", `"https://evil.example/"`) }, authorizer.ReasonIssuer, ""},
	"the issuer without its slash":     {func() string { return rs256("iss", `"https://issuer.example"`) }, authorizer.ReasonIssuer, ""},
	"the issuer in another case":       {func() string { return rs256("iss", `"https://ISSUER.example/"`) }, authorizer.ReasonIssuer, ""},
	"the issuer and something behind":  {func() string { return rs256("iss", `"https://issuer.example/\u0000"`) }, authorizer.ReasonIssuer, ""},
	"the issuer in an array":           {func() string { return rs256("iss", `["https://issuer.example/"]`) }, authorizer.ReasonClaim, ""},
	"no issuer":                        {func() string { return rs256("iss", "") }, authorizer.ReasonClaim, ""},
	"the second audience":              {func() string { return rs256("aud", `"second"`) }, authorizer.ReasonGenuine, "shop-web"},
	"the audience among others":        {func() string { return rs256("aud", `["x","https://hydrant.example"]`) }, authorizer.ReasonGenuine, "shop-web"},
	"another audience":                 {func() string { return rs256("aud", `"https://billing.example"`) }, authorizer.ReasonAudience, ""},
	"other audiences":                  {func() string { return rs256("aud", `["x","y"]`) }, authorizer.ReasonAudience, ""},
	"the beginning of the audience":    {func() string { return rs256("aud", `"https://hydrant.exampl"`) }, authorizer.ReasonAudience, ""},
	"the audience in a list of a text": {func() string { return rs256("aud", `"x https://hydrant.example"`) }, authorizer.ReasonAudience, ""},
	"no audience":                      {func() string { return rs256("aud", "") }, authorizer.ReasonClaim, ""},
	"an audience of null":              {func() string { return rs256("aud", "null") }, authorizer.ReasonClaim, ""},
	"an empty audience":                {func() string { return rs256("aud", `""`) }, authorizer.ReasonClaim, ""},
	"no audience in an array":          {func() string { return rs256("aud", "[]") }, authorizer.ReasonClaim, ""},
	"a number among the audiences":     {func() string { return rs256("aud", `["https://hydrant.example",1]`) }, authorizer.ReasonClaim, ""},
	"null among the audiences":         {func() string { return rs256("aud", `[null,"https://hydrant.example"]`) }, authorizer.ReasonClaim, ""},
	"audiences in an array in another": {func() string { return rs256("aud", `[["https://hydrant.example"]]`) }, authorizer.ReasonClaim, ""},
	"the audience in an object":        {func() string { return rs256("aud", `{"0":"https://hydrant.example"}`) }, authorizer.ReasonClaim, ""},

	// Names
	"a name in another script":      {func() string { return rs256("sub", `"магазин"`) }, authorizer.ReasonGenuine, "магазин"},
	"a name with a blank":           {func() string { return rs256("sub", `"shop web"`) }, authorizer.ReasonGenuine, "shop web"},
	"a name with wildcards":         {func() string { return rs256("sub", `"*/?/*"`) }, authorizer.ReasonGenuine, "*/?/*"},
	"a name that is an ARN":         {func() string { return rs256("sub", quote(stage+"*/*")) }, authorizer.ReasonGenuine, stage + "*/*"},
	"a name that is a policy":       {func() string { return rs256("sub", `"\"}],\"Effect\":\"Allow"`) }, authorizer.ReasonGenuine, `"}],"Effect":"Allow`},
	"a name that is a template":     {func() string { return rs256("sub", `"$input.body${x}#set($a=1)<&>"`) }, authorizer.ReasonGenuine, "$input.body${x}#set($a=1)<&>"},
	"a name of 256 bytes":           {func() string { return rs256("sub", quote(strings.Repeat("é", 128))) }, authorizer.ReasonGenuine, strings.Repeat("é", 128)},
	"a name of 257 bytes":           {func() string { return rs256("sub", quote(strings.Repeat("n", 257))) }, authorizer.ReasonProducer, ""},
	"the name of nobody":            {func() string { return rs256("sub", `"anonymous"`) }, authorizer.ReasonProducer, ""},
	"the name of nobody, shouted":   {func() string { return rs256("sub", `"DIRECT"`) }, authorizer.ReasonProducer, ""},
	"a name with a newline":         {func() string { return rs256("sub", `"shop\nweb"`) }, authorizer.ReasonProducer, ""},
	"a name with a NUL":             {func() string { return rs256("sub", `"shop-web\u0000"`) }, authorizer.ReasonProducer, ""},
	"a name from right to left":     {func() string { return rs256("sub", `"shop\u202ebew"`) }, authorizer.ReasonProducer, ""},
	"a name with a zero-width mark": {func() string { return rs256("sub", `"shop\u200b-web"`) }, authorizer.ReasonProducer, ""},
	"a name with a separator":       {func() string { return rs256("sub", `"shop\u2028web"`) }, authorizer.ReasonProducer, ""},
	"a name with a blank behind":    {func() string { return rs256("sub", `"shop-web "`) }, authorizer.ReasonProducer, ""},
	"a name of blanks":              {func() string { return rs256("sub", `" "`) }, authorizer.ReasonProducer, ""},
	"an empty sub":                  {func() string { return rs256("sub", `""`) }, authorizer.ReasonClaim, ""},
	"no sub":                        {func() string { return rs256("sub", "") }, authorizer.ReasonClaim, ""},
	"a sub of null":                 {func() string { return rs256("sub", "null") }, authorizer.ReasonClaim, ""},
	"a sub in a number":             {func() string { return rs256("sub", "1") }, authorizer.ReasonClaim, ""},
	"a sub in an array":             {func() string { return rs256("sub", `["shop-web"]`) }, authorizer.ReasonClaim, ""},
	"a producer beside the sub":     {func() string { return rs256("producer", `"admin"`) }, authorizer.ReasonGenuine, "shop-web"},
}

func TestTokens(t *testing.T) {
	for name, tc := range tokens {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, nil)
				got := s.send(t, tc.token())
				if got.Reason != tc.want || got.Producer != tc.as {
					t.Errorf("got %s as %q, want %s as %q", got.Reason, got.Producer, tc.want, tc.as)
				}
				if strings.ContainsAny(got.Label, " \n\"") || len(got.Label) > 64 {
					t.Errorf("the label is %q", got.Label)
				}
				for _, url := range s.web.asked {
					if url != keysURL {
						t.Errorf("asked %s", url)
					}
				}
			})
		})
	}
}

func TestScope(t *testing.T) {
	for name, tc := range map[string]struct {
		scope, scp string
		want       authorizer.Reason
	}{
		"the scope":                      {`"write"`, "", authorizer.ReasonGenuine},
		"among others":                   {`"read write"`, "", authorizer.ReasonGenuine},
		"in scp":                         {"", `"read write"`, authorizer.ReasonGenuine},
		"in an array":                    {`["read","write"]`, "", authorizer.ReasonGenuine},
		"in an array of scp":             {"", `["write"]`, authorizer.ReasonGenuine},
		"in one of both":                 {`"read"`, `["write"]`, authorizer.ReasonGenuine},
		"in scp beside a number":         {"1", `["write"]`, authorizer.ReasonGenuine},
		"none":                           {"", "", authorizer.ReasonScope},
		"an empty one":                   {`""`, "", authorizer.ReasonScope},
		"another":                        {`"read"`, "", authorizer.ReasonScope},
		"the beginning of a longer one":  {`"write:all"`, "", authorizer.ReasonScope},
		"the end of a longer one":        {`"over-write"`, "", authorizer.ReasonScope},
		"in another case":                {`"WRITE"`, "", authorizer.ReasonScope},
		"with commas":                    {`"read,write"`, "", authorizer.ReasonScope},
		"with tabs":                      {`"read\twrite"`, "", authorizer.ReasonScope},
		"in a text of an array":          {`["read write"]`, "", authorizer.ReasonScope},
		"beside a number in an array":    {`["write",1]`, "", authorizer.ReasonScope},
		"in an object":                   {`{"write":true}`, "", authorizer.ReasonScope},
		"null":                           {"null", "null", authorizer.ReasonScope},
		"a wildcard":                     {`"*"`, "", authorizer.ReasonScope},
		"true":                           {"true", "", authorizer.ReasonScope},
		"in an array in another":         {`[["write"]]`, "", authorizer.ReasonScope},
		"an array with nothing to grant": {"[]", "[]", authorizer.ReasonScope},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *authorizer.Config) { c.JWT.Scope = "write" })
			if got := s.send(t, rs256("scope", tc.scope, "scp", tc.scp)); got.Reason != tc.want || got.Producer != "shop-web" {
				t.Errorf("got %s as %q, want %s", got.Reason, got.Producer, tc.want)
			}
			// Without a good credential nobody is told that a scope is missing.
			if got := s.send(t, sign("RS256", rsaOther(), header(), claims("scope", tc.scope))); got.Reason != authorizer.ReasonSignature {
				t.Errorf("with another's signature: %s", got.Reason)
			}
		})
	}
}

func TestNamedClaims(t *testing.T) {
	s := start(t, func(c *authorizer.Config) {
		c.JWT.AudienceClaim, c.JWT.ProducerClaim, c.JWT.Audience = "client_id", "https://hydrant.example/producer", []string{"client-1"}
	})
	for name, tc := range map[string]struct {
		changes []string
		want    authorizer.Reason
	}{
		"both":                      {nil, authorizer.ReasonGenuine},
		"another client":            {[]string{"client_id", `"client-2"`}, authorizer.ReasonAudience},
		"no client":                 {[]string{"client_id", ""}, authorizer.ReasonClaim},
		"the client as an audience": {[]string{"client_id", "", "aud", `"client-1"`}, authorizer.ReasonClaim},
		"no producer":               {[]string{"https://hydrant.example/producer", ""}, authorizer.ReasonProducer},
		"a producer of null":        {[]string{"https://hydrant.example/producer", "null"}, authorizer.ReasonProducer},
		"a producer in an array":    {[]string{"https://hydrant.example/producer", `["tap"]`}, authorizer.ReasonProducer},
		"a producer without sub":    {[]string{"sub", ""}, authorizer.ReasonClaim},
	} {
		t.Run(name, func(t *testing.T) {
			token := rs256(append([]string{"client_id", `"client-1"`, "https://hydrant.example/producer", `"tap"`}, tc.changes...)...)
			got := s.send(t, token)
			if got.Reason != tc.want || got.Producer != map[bool]string{true: "tap"}[tc.want == authorizer.ReasonGenuine] {
				t.Errorf("got %s as %q, want %s", got.Reason, got.Producer, tc.want)
			}
		})
	}
}

// A token's text, and what it says, is nowhere in what is recorded, but for the producer and the kid.
func TestNothingIsQuoted(t *testing.T) {
	s := start(t, func(c *authorizer.Config) { c.JWT.Scope = "write" })
	for name, tc := range tokens {
		token := tc.token()
		s.send(t, token)
		text := fmt.Sprintf("%+v", s.log.last())
		for _, secret := range []string{token, cut(token, 1), issuer, audience, "evil"} {
			if len(secret) > 20 && strings.Contains(text, secret) && !strings.Contains(name, "kid") && !strings.Contains(name, "ARN") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
}

// unsigned makes a token without a signature.
func unsigned(alg string) func() string {
	return func() string { return encode(header("alg", alg)) + "." + encode(claims()) + "." }
}

// resigned makes a token of a header, signed with the key "rsa" whatever the header says.
func resigned(header string) func() string {
	return func() string { return sign("RS256", rsaKey(), header, claims()) }
}

// claiming makes a token of a text in the claims' place.
func claiming(text string) func() string {
	return func() string { return sign("RS256", rsaKey(), header(), text) }
}

// own makes a token that brings the attacker's key along, or says where it is.
func own(name string, value func() string) func() string {
	return func() string { return sign("RS256", rsaShort(), header(name, value()), claims()) }
}

func psychic(signature []byte) func() string {
	return func() string {
		text := encode(header("alg", `"ES256"`, "kid", `"p256"`)) + "." + encode(claims())
		return text + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
}

// cut is a token's first parts, part is one of them.
func cut(token string, parts int) string {
	all := strings.Split(token, ".")
	return strings.Join(all[:min(parts, len(all))], ".")
}

func part(token string, i int) string { return strings.Split(token, ".")[i] }

// lastLetter changes bits of the last letter that no byte is made of.
func lastLetter(token string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(letters, token[len(token)-1])
	return token[:len(token)-1] + letters[i^1:i^1+1]
}

// sized is a good token of so many bytes, or one or two less.
func sized(bytes int) string {
	token := rs256("x", `""`)
	return rs256("x", quote(strings.Repeat("x", (bytes-len(token))*3/4)))
}
