#include "list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "store.h"

struct page {
  struct text *body;
  const char *prefix, *delimiter;
  int url, left, more;
  char last[KEY_MAX];   /* what the next page begins after */
  char common[KEY_MAX]; /* the common prefix under way, or empty */
};

/* How long the common prefix of a key is, with its delimiter; 0: none. */
static size_t common_of(const struct page *p, const char *key) {
  if (p->delimiter[0] == '\0') return 0;
  const char *found = strstr(key + strlen(p->prefix), p->delimiter);
  return found == NULL ? 0 : (size_t)(found - key) + strlen(p->delimiter);
}

static int add(const struct object *object, void *with) {
  struct page *p = with;
  if (object->key[0] == '\001') return 0;
  size_t common = common_of(p, object->key);
  if (common > 0 && strncmp(p->common, object->key, common) == 0 && p->common[common] == '\0') {
    snprintf(p->last, sizeof p->last, "%s", object->key);
    return 0;
  }
  if (p->left-- == 0) {
    p->more = 1;
    return 1;
  }
  snprintf(p->last, sizeof p->last, "%s", object->key);
  if (common > 0) {
    snprintf(p->common, sizeof p->common, "%.*s", (int)common, object->key);
    text_add(p->body, "<CommonPrefixes><Prefix>");
    text_escape(p->body, p->common, p->url);
    text_add(p->body, "</Prefix></CommonPrefixes>");
    return 0;
  }
  char date[64];
  struct tm parts;
  time_t time = (time_t)object->time;
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&time, &parts));
  text_add(p->body, "<Contents><Key>");
  text_escape(p->body, object->key, p->url);
  text_add(p->body,
           "</Key><LastModified>%s</LastModified><ETag>\"sink\"</ETag><Size>%" PRIu64
           "</Size><StorageClass>STANDARD</StorageClass></Contents>",
           date, object->size);
  return 0;
}

static int list_objects(struct conn *c, struct request *r) {
  char prefix[KEY_MAX], delimiter[64], after[KEY_MAX], value[64];
  int version2 = request_parameter(r, "list-type", value, sizeof value);
  request_parameter(r, "prefix", prefix, sizeof prefix);
  request_parameter(r, "delimiter", delimiter, sizeof delimiter);
  int begins = request_parameter(r, "continuation-token", after, sizeof after) ||
               request_parameter(r, "start-after", after, sizeof after) ||
               request_parameter(r, "marker", after, sizeof after);
  request_parameter(r, "encoding-type", value, sizeof value);
  int url = strcmp(value, "url") == 0;
  int most = request_parameter(r, "max-keys", value, sizeof value) ? atoi(value) : 1000;
  struct text entries = {0}, body = {0};
  text_add(&entries, "%s", "");
  struct page page = {&entries, prefix, delimiter, url, most, 0, "", ""};
  store_list(prefix, begins ? after : NULL, add, &page);
  text_add(&body, "<ListBucketResult><Name>%s</Name><MaxKeys>%d</MaxKeys><Prefix>", r->bucket, most);
  text_escape(&body, prefix, url);
  text_add(&body, "</Prefix>%s<IsTruncated>%s</IsTruncated>", url ? "<EncodingType>url</EncodingType>" : "",
           page.more ? "true" : "false");
  if (page.more) {
    /* A token is no key: it is not encoded by encoding-type. */
    const char *name = version2 ? "NextContinuationToken" : "NextMarker";
    text_add(&body, "<%s>", name);
    text_escape(&body, page.last, url && !version2);
    text_add(&body, "</%s>", name);
  }
  text_add(&body, "%s</ListBucketResult>", entries.bytes);
  int result = answer(c, r, 200, "Content-Type: application/xml\r\n", body.bytes, body.length);
  free(entries.bytes);
  free(body.bytes);
  return result;
}

int list(struct conn *c, struct request *r) {
  static const char *const XML = "Content-Type: application/xml\r\n";
  char value[64];
  const char *body;
  if (request_parameter(r, "location", value, sizeof value)) {
    body = "<LocationConstraint>us-east-1</LocationConstraint>";
  } else if (request_parameter(r, "uploads", value, sizeof value)) {
    body = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>";
  } else if (r->query[0] == '\0' || request_parameter(r, "list-type", value, sizeof value) ||
             strstr(r->query, "prefix=") != NULL || strstr(r->query, "max-keys=") != NULL ||
             strstr(r->query, "delimiter=") != NULL) {
    return list_objects(c, r);
  } else {
    return answer_error(c, r, 404, "NotFound");
  }
  return answer(c, r, 200, XML, body, strlen(body));
}
