// The host's types and functions of the cases, mirrored in host.rs of the Rust test.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"sort"
	"strings"
)

type Words []string

func (w Words) Join(sep string) string { return strings.Join(w, sep) }

type Entry struct{ Name, Value string }

type Entries []Entry

func (e Entries) Names() Words {
	names := Words{}
	for _, entry := range e {
		names = append(names, entry.Name)
	}
	return names
}

func (e Entries) Values() Words {
	values := Words{}
	for _, entry := range e {
		values = append(values, entry.Value)
	}
	return values
}

type Table map[string]string

func (t Table) Sorted() Entries {
	entries := Entries{}
	for name, value := range t {
		entries = append(entries, Entry{name, value})
	}
	sort.Slice(entries, func(a, b int) bool { return entries[a].Name < entries[b].Name })
	return entries
}

func (t Table) Without(names []string) Table {
	rest := Table{}
	for name, value := range t {
		rest[name] = value
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

func (t Table) String() string {
	parts := []string{}
	for _, entry := range t.Sorted() {
		parts = append(parts, entry.Name+"="+entry.Value)
	}
	return strings.Join(parts, ", ")
}

type Span int64

func (s Span) Seconds() float64 { return float64(s) / 1000 }
func (s Span) String() string   { return fmt.Sprintf("%dms", int64(s)) }

type Instant struct{ seconds int }

func (i Instant) Unix() int             { return i.seconds }
func (i Instant) Later(by int) Instant  { return Instant{i.seconds + by} }
func (i Instant) Before(o Instant) bool { return i.seconds < o.seconds }
func (i Instant) String() string        { return fmt.Sprintf("T%d", i.seconds) }
func (i Instant) Fail() (string, error) { return "", errors.New("no such instant") }

type Event struct {
	Status string
	Labels Table
	At     Instant
	Took   Span
	Count  int
	Size   uint64
	Ratio  float64
	Ok     bool
	Tags   []string
	Extra  any
}

type Events []Event

func (e Events) Firing() []Event {
	firing := []Event{}
	for _, event := range e {
		if event.Status == "firing" {
			firing = append(firing, event)
		}
	}
	return firing
}

type Page struct {
	Receiver string
	Status   string
	Events   Events
	Common   Table
	Group    Table
	URL      string
}

func page() *Page {
	return &Page{
		Receiver: "team-x",
		Status:   "firing",
		Events: Events{
			{"firing", Table{"alertname": "Full", "host": "a<1>", "team": "x"}, Instant{100}, 1500, 3, 7, 0.25, true, []string{"p", "q"}, 5},
			{"resolved", Table{"alertname": "Full", "host": "b&2", "team": "x"}, Instant{200}, 20, -1, 0, 1e9, false, nil, nil},
			{"firing", Table{"alertname": "Full", "host": `c"3'`, "team": "x"}, Instant{300}, 0, 0, 18446744073709551615, -2.5, true, []string{}, "text"},
		},
		Common: Table{"alertname": "Full", "team": "x"},
		Group:  Table{"alertname": "Full"},
		URL:    "http://am.example/#/alerts?a=b c",
	}
}

var functions = map[string]any{
	"toUpper":    strings.ToUpper,
	"toLower":    strings.ToLower,
	"join":       func(sep string, s []string) string { return strings.Join(s, sep) },
	"words":      func(s ...string) []string { return s },
	"list":       func(a ...any) []any { return append([]any{}, a...) },
	"append":     func(l []any, a ...any) []any { return append(append([]any{}, l...), a...) },
	"dict":       dict,
	"fail":       func(s string) (string, error) { return "", errors.New(s) },
	"add":        func(a, b int) int { return a + b },
	"half":       func(f float64) float64 { return f / 2 },
	"flag":       func(b bool) string { return fmt.Sprintf("flag:%t", b) },
	"unsigned":   func(u uint64) uint64 { return u },
	"unix":       func(i Instant) int { return i.seconds },
	"doubler":    func() func(int) int { return func(n int) int { return 2 * n } },
	"nothing":    func() any { return nil },
	"toJson":     func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
	"safeHtml":   func(s string) template.HTML { return template.HTML(s) },
	"safeUrl":    func(s string) template.URL { return template.URL(s) },
	"safeJs":     func(s string) template.JS { return template.JS(s) },
	"safeJsStr":  func(s string) template.JSStr { return template.JSStr(s) },
	"safeCss":    func(s string) template.CSS { return template.CSS(s) },
	"safeAttr":   func(s string) template.HTMLAttr { return template.HTMLAttr(s) },
	"safeSrcset": func(s string) template.Srcset { return template.Srcset(s) },
}

func dict(values ...any) (map[string]any, error) {
	if len(values)%2 != 0 {
		return nil, errors.New("dict requires an even number of arguments")
	}
	result := map[string]any{}
	for i := 0; i < len(values); i += 2 {
		key, ok := values[i].(string)
		if !ok {
			return nil, errors.New("dict keys must be strings")
		}
		result[key] = values[i+1]
	}
	return result, nil
}
