/* MEMORY DOCTOR: what observe/doctor.c finds, as text. */
#include "cmd/memory.h"
#include "observe/doctor.h"

static bool add_finding(struct buffer *text, const struct doctor_finding *finding)
{
    return buffer_append(text, BYTES(" * ")) && buffer_append_text(text, finding->words) &&
           buffer_append(text, BYTES(" ")) && buffer_append_text(text, finding->directive) &&
           buffer_append(text, BYTES("\n\n"));
}

static struct bytes well(const struct doctor_facts *facts)
{
    if (facts->report.used < DOCTOR_USED_MIN)
        return BYTES(
            "Hardly any data is held (less than 5 MB): too little to judge. Ask again when "
            "the server is in use.");
    return BYTES("No memory issue found: what is resident is what is used.");
}

void memory_doctor(struct call *call)
{
    struct doctor_facts facts;
    struct doctor_finding finding;
    struct buffer text = { 0 };
    unsigned at = 0;
    bool failed = false;
    doctor_facts(call->context->observer, &facts);
    while (!failed && doctor_examine(&facts, &at, &finding))
        failed = !add_finding(&text, &finding);
    if (failed)
        call_memory_error(call);
    else
        reply_verbatim(call->reply, "txt", text.count > 0 ? buffer_view(&text) : well(&facts));
    buffer_release(&text);
}
