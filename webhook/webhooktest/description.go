package webhooktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// description is the part of GitHub's that is in use.
type description struct{ doc *openapi3.T }

// described reads the description once.
var described = sync.OnceValues(func() (*description, error) {
	content, err := readPackage(descriptionFile)
	if err != nil {
		return nil, err
	}
	if content, err = slice(content); err != nil {
		return nil, fmt.Errorf("GitHub's description of its API: %w", err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(content)
	if err != nil {
		return nil, fmt.Errorf("GitHub's description of its API: %w", err)
	}
	return &description{doc}, nil
})

// strict are the ways to look at a value: every difference is told, and formats such as date-time count.
var strict = []openapi3.SchemaValidationOption{openapi3.MultiErrors(), openapi3.EnableFormatValidation(), openapi3.DisableSchemaErrorDetails()}

func (d *description) operation(route *route) *openapi3.Operation {
	return d.doc.Paths.Value(route.path).GetOperation(strings.ToUpper(route.method))
}

// checkRequest compares a request, whose body was read, with the description.
func (d *description) checkRequest(r *http.Request, body []byte, route *route, params map[string]string) error {
	operation := d.operation(route)
	if err := d.checkNames(r, body, operation); err != nil {
		return err
	}
	return openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params,
		Route: &routers.Route{
			Spec: d.doc, Path: route.path, PathItem: d.doc.Paths.Value(route.path), Method: r.Method, Operation: operation,
		},
		Options: &openapi3filter.Options{
			MultiError: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SchemaValidationOptions: strict,
		},
	})
}

// checkNames finds what GitHub would pass over in silence: a parameter, or a part of the body, that it does not know.
func (d *description) checkNames(r *http.Request, body []byte, operation *openapi3.Operation) error {
	for name := range r.URL.Query() {
		if operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return fmt.Errorf("it knows no parameter %q", name)
		}
	}
	if operation.RequestBody == nil {
		return nil
	}
	var sent any
	_ = json.Unmarshal(body, &sent) // the validator has more to say about bad JSON
	return unknown("", sent, operation.RequestBody.Value.Content["application/json"].Schema.Value)
}

// unknown looks through the properties that a schema lists itself.
func unknown(at string, sent any, schema *openapi3.Schema) error {
	switch sent := sent.(type) {
	case []any:
		for _, item := range sent {
			if schema.Items != nil {
				if err := unknown(at+"[]", item, schema.Items.Value); err != nil {
					return err
				}
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(sent)) {
			if property := schema.Properties[name]; property != nil {
				if err := unknown(at+"."+name, sent[name], property.Value); err != nil {
					return err
				}
			} else if len(schema.Properties) > 0 {
				return fmt.Errorf("it knows no %s.%s", at, name)
			}
		}
	}
	return nil
}

// checkReply compares a reply with the description. Statuses that it does not name are errors of the common form.
func (d *description) checkReply(route *route, answer reply) error {
	body, err := plain(answer.body)
	if err != nil {
		return err
	}
	response := d.operation(route).Responses.Value(strconv.Itoa(answer.status))
	switch {
	case response == nil && answer.status < 400:
		return fmt.Errorf("it has no status %d", answer.status)
	case response == nil || (response.Value.Content["application/json"] == nil && answer.status >= 400):
		return d.checkError(body)
	case response.Value.Content["application/json"] == nil:
		if body != nil {
			return fmt.Errorf("with status %d there is no body", answer.status)
		}
		return nil
	}
	return response.Value.Content["application/json"].Schema.Value.VisitJSON(body, strict...)
}

func (d *description) checkError(body any) error {
	return d.doc.Components.Schemas["basic-error"].Value.VisitJSON(body, strict...)
}

// checkEvent compares a webhook's payload with the description.
func (d *description) checkEvent(name string, payload any) error {
	item := d.doc.Paths.Value(webhookPath + name)
	if item == nil {
		return fmt.Errorf("GitHub describes no webhook %s", name)
	}
	body, err := plain(payload)
	if err != nil {
		return err
	}
	return item.Post.RequestBody.Value.Content["application/json"].Schema.Value.VisitJSON(body, strict...)
}

// example gives GitHub's example of the reply of an operation, to be filled in; of a list, its first item.
func (d *description) example(method, path string) map[string]any {
	operation := d.operation(&route{method: method, path: path})
	for status, response := range operation.Responses.Map() {
		if status[0] != '2' {
			continue
		}
		examples := response.Value.Content["application/json"].Examples
		value, err := plain(examples[slices.Sorted(maps.Keys(examples))[0]].Value.Value)
		if list, ok := value.([]any); ok && len(list) > 0 {
			value = list[0]
		}
		if object, ok := value.(map[string]any); ok && err == nil {
			return object
		}
	}
	panic("GitHub gives no example of " + method + " " + path)
}

// plain gives a value as it is once it was JSON: a copy.
func plain(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	content, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var copied any
	err = json.NewDecoder(bytes.NewReader(content)).Decode(&copied)
	return copied, err
}
