import t from 'tap'
import { didYouMean, serviceName } from '../../lib/doctor/service-name.js'

t.test('a Service can be named in each usual way', t => {
  const shop = { namespace: 'shop', name: 'web' }
  for (const text of ['web', 'svc/web', 'service/web', 'services/web', 'SVC/web', ' web '])
    t.same(serviceName(text, 'shop'), shop, text)
  for (const text of ['shop/web', 'svc/shop/web']) t.same(serviceName(text, 'default'), shop, text)
  t.same(serviceName('svc', 'shop'), { namespace: 'shop', name: 'svc' }, 'a Service may have that name')
  t.end()
})

t.test('what is no Service is an error that says what was expected', t => {
  const wrong: readonly (readonly [text: string, message: RegExp])[] = [
    ['pod/web', /not at Pods/],
    ['deploy/web', /not at Deployments/],
    ['', /^"": not the name of a Service$/],
    ['svc/', /not the name/],
    ['svc//web', /not the name of a namespace/],
    ['a/b/c', /not the name of a Service/],
    ['servise/a/b', /did you mean service\/NAME\?/],
    ['web:80', /not the name/],
    ['constructor/web', /^$/],
    ['10.96.0.10/web\u0000', /not the name/],
  ]
  for (const [text, message] of wrong)
    if (message.source === '^$') t.same(serviceName(text, 'x'), { namespace: 'constructor', name: 'web' })
    else t.throws(() => serviceName(text, 'default'), { code: 'DOCTOR_INVALID', message }, text)
  t.throws(() => serviceName('web', 'No_Such'), { message: /"No_Such": not the name of a namespace/ })
  t.end()
})

t.test('the closest name is suggested, or the same name in another namespace', t => {
  const name = { namespace: 'default', name: 'wep' }
  t.equal(didYouMean(name, [{ namespace: 'default', name: 'web' }]), '; did you mean "web"?')
  t.equal(didYouMean(name, [{ namespace: 'shop', name: 'wep' }]), '; did you mean "shop/wep"?')
  t.equal(didYouMean(name, [{ namespace: 'shop', name: 'web' }]), '')
  t.end()
})
