"""Scripts in the shapes in which csky's users write them, each run to its end by `test_driven_scripts`.

Names that are there: `cy`, `np`, `hp`, `plt`, `ana` (two small seasons with good runs), `tmp` (a folder), `src`.
"""

# ruff: noqa: E501
from __future__ import annotations

TEMPLATE = "np.exp(-0.5 * ((np.pi / 2 - hp.pix2ang(8, np.arange(768))[0] - 0.2) / 0.2) ** 2)"
CONF = """
flux = cy.hyp.PowerLawFlux(2.7, energy_cutoff=1e6)
model = {cy.pdf.CustomFluxEnergyPDFRatioModel: dict(hkw=dict(bins=(np.linspace(-1, 1, 20), np.linspace(2, 8, 20))),
    flux=flux, features=['sindec', 'log10energy'], normalize_axes=([1]))}
dec_rand = {'randomize': ['ra', cy.inj.DecRandomizer], 'sindec_bandwidth': np.radians(5),
    'dec_rand_method': 'gaussian_fixed', 'dec_rand_kwargs': dict(randomization_width=np.radians(3)),
    'dec_rand_pole_exlusion': np.radians(8)}
"""

SCRIPTS: dict[str, str] = {
    "background trials to disk": """
tr = cy.get_trial_runner(src=src)
trials = tr.get_many_fits(20, n_sig=0, poisson=False, seed=1, logging=False)
out = cy.utils.ensure_dir('{}/bg/dec/{:+04.0f}'.format(tmp, 10))
np.save('{}/trials_{:07d}__seed_{:010d}.npy'.format(out, 20, 1), trials.as_array)
bg = cy.bk.get_all(tmp + '/bg', 'trials*npy', merge=np.concatenate, log=False,
    post_convert=lambda x: cy.dists.Chi2TSD(cy.utils.Arrays(x)))
b = cy.bk.get_best(bg, 'dec', 12)
print(b, b.trials['ns'].mean(), b.description)""",
    "sensitivity with a flux": """
tr = cy.get_trial_runner(src=src, ana=ana, flux=cy.hyp.PowerLawFlux(2.5))
bg = cy.dists.Chi2TSD(tr.get_many_fits(100, seed=1))
sens = tr.find_n_sig(bg.median(), 0.9, n_sig_step=5, batch_size=100 / 3, first_batch_size=20, max_batch_size=100,
    tol=0.3, n_bootstrap=1, seed=2, logging=False)
sens['flux'] = tr.to_E2dNdE(sens['n_sig'], E0=100, unit=1e3)
sens['E2dNdE'] = tr.to_E2dNdE(sens, E0=1, unit=1e3)
print(sens['info']['n_sigs'], sens['info']['CLs'], dict(sens)['flux'])""",
    "discovery potential from given trials": """
tr = cy.get_trial_runner(src=src)
trials = {n: tr.get_many_fits(40, n, poisson=True, seed=n) for n in (0, 5, 10, 20, 40)}
dp = tr.find_n_sig(cy.dists.TSD(trials[0]).isf_nsigma(1), 0.5, max_batch_size=0, trials=trials, logging=False)
print(dp['n_sig'], dp['n_sig_error'])""",
    "bias of counts and spectrum": """
tr = cy.get_trial_runner(src=src)
allt = []
for n_sig in np.r_[:21:10]:
    t = tr.get_many_fits(5, n_sig=n_sig, logging=False, seed=n_sig)
    t['ntrue'] = np.repeat(n_sig, len(t))
    allt.append(t)
allt = cy.utils.Arrays.concatenate(allt)
print(allt.as_dataframe.groupby('ntrue').ns.median(), allt[allt.ns > 0].gamma, tr.sig_injs[0].flux[0].gamma)""",
    "timer and random": """
timer = cy.timing.Timer(); time = timer.time
with time('trials'):
    tr = cy.get_trial_runner(src=src)
    print(tr.get_many_fits(1e1, seed=cy.utils.get_random(1)))""",
    "unblinding": """
tr = cy.get_trial_runner(src=src)
trials = tr.get_many_fits(1, n_sig=0, poisson=False, seed=3, logging=False, TRUTH=True)
b = cy.dists.TSD(tr.get_many_fits(20, seed=1))
trials['pval'] = [np.mean(b.trials.ts > trials.ts)]
print(trials.as_table); np.save(tmp + '/result.npy', trials.as_array)""",
    "name and data of an analysis": """
fresh = cy.Analysis([fresh_season()]); fresh.name = 'combo'
fresh[0].data = cy.utils.Arrays(fresh[0].data.as_dataframe.drop(labels=[1, 2, 10**9], errors='ignore'))
print(cy.get_trial_runner(src=src, ana=fresh).get_one_fit(seed=1), fresh.name, fresh.mjd_min, fresh[-1].mjd_max)""",
    "an analysis from a repository": """
ana1 = cy.analysis.Analysis(cy.selections.demo, cy.selections.PSDataSpecs.ps_2011, dir=tmp)
ana2 = cy.get_analysis(cy.selections.demo, 'synthetic-v1', cy.selections.PSDataSpecs.ps_2011, dir=tmp, load_sig=True)
ana2.save(tmp); print(ana1[0].plot_key, ana2.anas[0].livetime)""",
    "customflux of a source": CONF
    + """
tr = cy.get_trial_runner({'flux': flux, 'energy': 'customflux', 'keep_extra': 'gamma', **model}, src=src)
L = tr.get_one_llh(10, seed=1); ts, params = L.fit(**tr.fitter_args); print(-2 * L.get_minus_llh_ratio(**params), ts)""",
    "customflux as a model without the energy term": CONF
    + """
tr = cy.get_trial_runner({'energy': False, 'flux': flux, **model}, src=src)
assert tr.likelihood.mode == 'flux'; print(tr.get_many_fits(3, 5, seed=1))""",
    "cascades with signal subtraction": CONF
    + """
conf = dict(src=src, flux=cy.hyp.PowerLawFlux(2.0, energy_cutoff=np.inf), update_bg=True, sigsub=True, **dec_rand)
tr = cy.get_trial_runner(conf, ana=ana, mp_cpus=1)
print(cy.dists.Chi2TSD(tr.get_many_fits(5, seed=1)), tr.get_many_fits(3, n_sig=10, poisson=True, seed=2))""",
    "an extended source with signal subtraction": """
tr = cy.get_trial_runner(src=cy.utils.Sources(ra=1.0, dec=0.3, extension=np.radians(2)), sigsub=True, update_bg=True)
L = tr.get_one_llh(10, seed=1); ts, mesh = L.scan_ts(ns=np.linspace(0, 20, 5), gamma=np.linspace(1, 4, 4))
print(ts.shape, L.fit())""",
    "a stack with weights": """
stack = cy.sources([10, 80, 200], [5, -20, 40], deg=True, weight=[1, 2, 3], extension=[0, 0.01, 0.02])
tr = cy.get_trial_runner(src=stack, flux=cy.hyp.PowerLawFlux(2.0), inj_conf=dict(src=stack))
trials = tr.get_many_fits(n_trials=5, n_sig=10, seed=1, mp_cpus=2)
print(tr.to_E2dNdE(5, E0=100, unit=1e3), tr.sig_inj_acc_total, tr.sig_injs[0].probs[0], tr.bg_injs[0].data)""",
    "likelihood of a stack": """
tr = cy.get_trial_runner(src=cy.sources([1.0, 2.0], [0.1, 0.2]))
L = tr.get_one_llh_from_trial(tr.get_one_trial(20, poisson=False, seed=1)); L.fit(**tr.fitter_args)
scan_ts, mesh = L.scan_ts(ns=np.linspace(0, 40, 5), gamma=np.linspace(1, 4, 3)); plt.pcolormesh(*mesh, scan_ts)
print(cy.inspect.get_space_eval(L, -1, 1)(gamma=2)[0])""",
    "a stack with signal subtraction": """
tr = cy.get_trial_runner(src=cy.sources([1.0, 2.0], [0.1, 0.2]), sigsub=True, update_bg=True, fitter_args=dict(gamma=2.5))
print(tr.get_many_fits(3, 8, seed=1), tr.fitter_args)""",
    "a stack of transients": """
t0 = ana.mjd_min + 20
grbs = cy.sources([1.0, 2.0], [0.1, 0.2], mjd=[t0, t0 + 5], sigma_t=np.zeros(2), t_100=np.array([2.0, 1.0]))
cy.CONF['src'] = grbs
tr = cy.get_trial_runner({'extended': True, 'space': 'ps', 'time': 'transient', 'sig': 'transient'}, ana=ana, src=grbs)
print(tr.get_many_fits(10, 3, seed=1).ts.max(), tr.to_E2dNdE(2.0, E0=1, unit=1e3))""",
    "a transient": """
one = cy.utils.Sources(ra=0.5, dec=0.2, mjd=ana.mjd_min + 20, sigma_t=0.0, t_100=1000 / 86400)
tr = cy.get_trial_runner(conf={'extended': True, 'space': 'ps', 'time': 'transient', 'sig': 'transient'}, src=one,
    flux=cy.hyp.PowerLawFlux(2, energy_range=(1e3, 1e5)))
L = tr.get_one_llh(TRUTH=False, seed=1); print(L.llh_model.N_bg, cy.inspect.get_space_eval(L, -1, 0)()[0])
print(cy.dists.Chi2TSD(tr.get_many_fits(100, seed=1)).median())""",
    "a template by its name": f"""
np.save(cy.utils.ensure_dir(tmp + '/templates') + '/pi0.npy', {TEMPLATE})
repo = cy.selections.Repository(local_root=tmp); repo.clear_cache()
gp_conf = {{'template': repo.get_template('pi0'), 'flux': cy.hyp.PowerLawFlux(2.7), 'randomize': ['ra'],
    'fitter_args': dict(gamma=2.7), 'sigsub': True, 'update_bg': True, 'fast_weight': False, 'dir': tmp}}
tr = cy.get_trial_runner(gp_conf, ana=ana, mp_cpus=1)
print(tr.get_many_fits(3, n_sig=40, poisson=True, seed=1), tr.to_dNdE(10, E0=100, unit=1e3), tr.to_model_norm(10))""",
    "a template's likelihood": f"""
tr = cy.get_trial_runner(template={TEMPLATE}, flux=cy.hyp.PowerLawFlux(2.5), gamma=2.5)
L = tr.get_one_llh_from_trial(tr.get_one_trial(n_sig=40, seed=1)); fit = L.fit()
print(-2 * L.get_minus_llh_ratio(fit.ns), fit.ts, tr.sig_injs[0].flux[0].gamma)""",
    "a template with spectra of pixels": CONF
    + f"""
bins = np.logspace(2, 7, 6); maps = {TEMPLATE}[:, None] * (np.sqrt(bins[1:] * bins[:-1]) ** -2.6)
kra = cy.hyp.BinnedFlux(bins_energy=bins, flux=maps.sum(axis=0)); model[next(iter(model))]['flux'] = kra
conf = {{'template': maps, 'bins_energy': bins, 'randomize': ['ra'], 'update_bg': True, 'fast_weight': False,
    'sigsub': True, 'energy': False, 'dir': tmp, **model}}
tr = cy.get_trial_runner(conf); print(tr.get_many_fits(2, 40, seed=1), tr.to_model_norm(10))""",
    "a masked template": f"""
m = hp.ma({TEMPLATE}); m = m / m.sum()
print(cy.get_trial_runner(template=m.copy(), flux=cy.hyp.PowerLawFlux(2), sigsub=True, gamma=2.0).get_one_fit(30, seed=1))""",
    "correlated trials": """
stack = cy.sources([1.0, 2.0, 3.0], [0.1, -0.3, 0.5])
trs = [cy.get_trial_runner(src=s) for s in stack]; tr_inj = cy.get_trial_runner(src=stack, inj_conf=dict(src=stack))
bgs = [cy.dists.TSD(tr.get_many_fits(1e1, seed=1)) for tr in trs]
multr = cy.trial.MultiTrialRunner(ana, tr_inj, trs, bgs=bgs, mp_cpus=cy.CONF['mp_cpus'])
bg = multr.get_many_trials(10.0, seed=1); trials = multr.get_many_fits(5, n_sig=6, poisson=True, seed=1, logging=False)
bg['sum_ts'] = np.sum([bg[name] for name in bg.keys() if 'ts' in name], axis=0)
print(np.max([trials[n] for n in trials.keys() if n.startswith('mlog10p_')], axis=0), multr.get_one_fit(TRUTH=True))""",
    "a scan and its picture": """
bgs = {d: cy.dists.Chi2TSD(cy.get_trial_runner(src=cy.sources(0, d, deg=True)).get_many_fits(30, seed=1)) for d in (-30., 30.)}
p = lambda dec, ts: cy.dists.ts_to_p(bgs, np.degrees(dec), ts, fit=True)
sstr = cy.get_sky_scan_trial_runner(mp_scan_cpus=2, nside=4, min_dec=-0.5, max_dec=0.5, ts_to_p=p, ana=ana)
scan = sstr.get_one_scan_from_trial(sstr.get_one_trial(seed=3), TRUTH=False, mp_cpus=1, logging=False)
fig, ax = plt.subplots(subplot_kw=dict(projection='aitoff'))
sp = cy.plotting.SkyPlotter(pc_kw=dict(cmap=cy.plotting.skymap_cmap, vmin=0, vmax=4))
mesh, cb = sp.plot_map(ax, scan[1], n_ticks=2); sp.plot_gp(ax, lw=.5, color='.5'); sp.plot_gc(ax); print(scan[0].max())""",
    "a spatial prior": f"""
sptr = cy.get_spatial_prior_trial_runner(llh_priors={TEMPLATE} + 0.01, src_tr=cy.sources(0, 0), refine_max=False,
    get_pixmask=True, conf={{'extra_keep': ['energy']}}, inj_conf={{'flux': cy.hyp.PowerLawFlux(2)}}, cut_n_sigma=3)
trial = sptr.get_one_trial(10, seed=1); evss, n_exs, ra, dec = trial
mlog10p, ts, ns, gamma, ra, dec = sptr.get_one_fit_from_trial(trial)
print(sptr.llh_prior_term[0].min(), sptr.to_E2dNdE(20, gamma=2, E0=100, unit=1e3), ts)""",
    "trial events by hand": """
tr = cy.get_trial_runner(src=src); trial = tr.get_one_trial(5, poisson=False, seed=1)
trial[0][0][1]['energy'] = 10 ** trial[0][0][1]['log10energy']
evss, n_exs = trial; joined = cy.utils.Arrays.concatenate(evss[0])
print(tr.get_one_fit_from_trial(trial), tr.get_one_fit_from_trial((evss, n_exs)), len(joined), tr.format_result(tr.get_one_fit(seed=1)))""",
    "trials of constant size": """
tr = cy.get_trial_runner(src=src); trial, _ = tr.get_one_trial(8, replace_evts=True, seed=1)
ra = np.hstack([t[0]['ra'] for t in trial]); print(len(ra) + 8 == sum(len(a.data) for a in ana))""",
    "models of a season": """
import histlite as hl
for a in ana:
    fig, ax = plt.subplots(); hl.plot1d(ax, a.bg_space_param.h, crosses=True, label='histogram')
    ax.plot(np.linspace(-1, 1, 30), a.bg_space_param(sindec=np.linspace(-1, 1, 30)), label='spline'); ax.set_title(a.plot_key)
    eprm = a.energy_pdf_ratio_model; ss = dict(zip(eprm.gammas, eprm.ss_hl)); fig, ax = plt.subplots()
    hl.plot2d(ax, ss[2.0].eval(bins=20), vmin=1e-2, vmax=1e2, log=True, cbar=True, cmap='RdBu_r')
    print(np.log(a.energy_pdf_ratio_model(a.data[:5])(gamma=2.5)[1]), a.acc_param(0.1, 2.0))""",
    "inspection of a runner": """
tr = cy.get_trial_runner(src=src); L = tr.get_one_llh(20, seed=1)
print(cy.inspect.get_llh_model(tr, -1).N_bg, cy.inspect.get_pdf_ratio_model(tr, -1), cy.inspect.get_space_model(tr, -1))
SB = cy.inspect.get_space_eval(L, -1, 0)()[0] * cy.inspect.get_energy_eval(L, -1, 0)(gamma=2)[0]; print(SB.max(), L.carrying())""",
    "models and injectors built by hand": """
from nusky.ipyconfig import *
from nusky import bk, analysis, coord, dists, hyp, inj, llh, pdf, selections, trial, utils
def get_llh(a, src, sigsub):
    space = pdf.PointSourceSpacePDFRatioModel(a, src, a.bg_space_param, a.acc_param, sigsub=sigsub)
    return llh.LLHModel(pdf.MultiPDFRatioModel(space, a.energy_pdf_ratio_model), len(a.data), sigsub=sigsub)
def get_injs(a, llh_model, src, flux, cut_n_sigma, inject):
    keep = llh_model.pdf_ratio_model.keep; selector = inj.DecBandSelector(src, cut_n_sigma=cut_n_sigma)
    truth = inj.DataInjector(a, selector(a.data), keep, randomizers=[])
    bg = inj.DataInjector(a, selector(a.data), keep, randomizers=[inj.RARandomizer()])
    return truth, bg, inj.PointSourceInjector(a, src, flux, keep) if inject else None
for sigsub in (False, True):
    tr = trial.get_trial_runner(ana, get_llh, get_injs, llh_kw=dict(src=src, sigsub=sigsub), mp_cpus=1,
        inj_kw=dict(src=src, flux=hyp.PowerLawFlux(2), cut_n_sigma=3, inject=True))
    print(dists.Chi2TSD(tr.get_many_fits(5, seed=1)), tr.get_one_fit(5, seed=1))
own = cy.get_trial_runner(ana=ana, src=src, sigsub=True, cut_n_sigma=3)
assert tr.get_one_fit(5, seed=1).ts == own.get_one_fit(5, seed=1).ts""",
    "an untriggered flare": """
conf = {'time': 'utf', 'box': True, 'box_mode': 'post', 'dt_max': 20, 'dt_min': 0.5 / 86400, 'prior': None,
    'seeder': cy.seeding.UTFSeeder(threshold=10), 'sig': 'tw', 'sig_kw': dict(t0=ana.mjd_min + 20, dt=2, box_mode='post')}
tr = cy.conf.get_trial_runner(conf, src=src, extra_keep=['run', 'event'], cut_n_sigma=5)
print(tr.get_many_fits(3, 5, seed=1, _fmin_method='minuit', logging=False).as_array.dtype.names)""",
    "several flares": """
print(cy.get_multiflare_trial_runner(ana=ana, src=src, threshold=100, muonflag=False, filter_srcs=False, mp_cpus=1).get_one_fit(seed=1))""",
    "fluxes and counts": """
tr = cy.conf.get_trial_runner(src=src, ana=ana)
print(tr.to_ns(np.array([1e-12, 1e-13]), gamma=2.28, E0=1e5, unit=1), tr.to_ns(E2dNdE=1e-12, E0=100, unit=1e3))
print(tr.to_dNdE(5, E0=100, unit=1e3, flux=cy.hyp.PowerLawFlux(2, energy_cutoff=1e6)), tr.get_acc_total(gamma=2.0))""",
    "seasons of other samples": """
specs = cy.selections.GFUDataSpecs.gfu_IC86_2018 + cy.selections.DNNCascadeDataSpecs.DNNC_10yr
print([s.key for s in specs], cy.selections.NTDataSpecs.nt_v5[0:1], cy.selections.PSDataSpecs.ps_v4, cy.selections.mrichman_repo)""",
    "a season of one's own": """
a = ana[0]
greco = cy.selections.CustomDataSpecs.CustomDataSpec(a.data, a.sig, a.livetime, np.linspace(-1, 1, 21),
    np.linspace(1, 9.5, 31), key='GRECO', cascades=True)
mine = cy.get_analysis(cy.selections.repo, greco, dir=tmp); print(cy.get_trial_runner(ana=mine, src=src).get_one_fit(3, seed=1))""",
    "sources as a table": """
s = cy.sources([10, 20], [1, 2], deg=True, name=['a', 'b'], weight=[1, 2])
print(s['name'], s.ra_deg, [one.dec_deg for one in s], s.as_dataframe, s[s.weight > 1], cy.sources(0.7, 0.1, name=0).name)
print(cy.coord.delta_angle(0, 0, 1, 1), cy.coord.rotate_source_to_xaxis(0.1, 0.2, 0.3, 0.4), cy.describe(s))""",
    "configuration of a session": """
cy.CONF.update(src=src, flux=cy.hyp.PowerLawFlux(2.2)); tr = cy.get_trial_runner(conf=cy.CONF, ana=ana, seed=3, dir=tmp)
print(tr.injection.flux.gamma, tr.ana is ana, tr.param_names)""",
    "a Gaussian flare in the extended likelihood": """
conf = {'ana': ana, 'extended': True, 'space': 'ps', 'time': 'utf', 'box': False, 'dt_max': 30, 'dt_min': 1e-3, 'energy': 'fit',
    'seeder': cy.seeding.UTFSeeder(threshold=1), 'fitter_args': {'_log_params': 'dt'}, 'concat_evs': True, 'sig': 'tw', 'use_grl': True}
tr = cy.get_trial_runner(conf, inj_conf={'t0': ana.mjd_min + 30, 'dt': 3, 'flux': cy.hyp.PowerLawFlux(2.0), 'box': False}, src=src)
trials = tr.get_many_fits(4, n_sig=0, seed=1); print(trials.t0, trials.dt, tr.get_one_llh(n_sig=10, seed=3).fit(**tr.fitter_args))
sens = tr.find_n_sig(0.5, 0.9, n_sig_step=3, batch_size=10, first_batch_size=10, max_batch_size=20, tol=0.5, logging=False, seed=1)
print(tr.to_E2dNdE(sens, E0=1, unit=1e3), tr.to_dNdE(sens['n_sig'], E0=1, unit=1e3), tr.sig_injs[-1].acc_total)""",
    "bias of a flare's length": """
found, t0 = [], ana.mjd_min + 40
for dt in (0.5, 5.):
    conf = dict(time='utf', box=True, box_mode='center', dt_max=50, seeder=cy.seeding.UTFSeeder(), sig='tw', sig_kw=dict(box=True, t0=t0, dt=dt))
    tr = cy.get_trial_runner(conf, src=src, ana=ana, mp_cpus=1, fitter_args={'t0': t0, '_log_params': 'dt'} if dt > 1 else {})
    t = tr.get_many_fits(3, 5, poisson=False, seed=1, logging=False); t['dt_true'] = np.full(len(t), dt); found.append(t)
print(cy.utils.Arrays.concatenate(found).as_dataframe.groupby('dt_true').median())""",
    "flares of fixed spectrum in the pixels of a scan": """
conf = dict(time='utf', box=True, dt_max=5, seeder=cy.seeding.UTFSeeder(threshold=100), fitter_args=dict(gamma=2.5, _fmin_method='minuit', _ts_min=0))
sstr = cy.get_sky_scan_trial_runner(ana=ana, nside=4, min_dec=-.3, max_dec=.3, conf=conf, mp_scan_cpus=2, ts_to_p=lambda dec, ts: np.exp(-ts / 2))
scan = sstr.get_one_scan(logging=False, seed=1); print(scan.shape, scan[1].max(), sstr.get_many_fits(2, seed=1))""",
    "flares of a source with signal in a window": """
mf = cy.get_multiflare_trial_runner({'ana': ana, 'src': src}, threshold=100., max_dt=20, inj_conf={'sig': 'tw', 't0': ana.mjd_min + 10, 'dt': 1, 'box': True})
b = cy.dists.Chi2TSD(mf.get_many_fits(20, seed=1, logging=False)); print(b.median(), mf.get_one_fit(4, seed=1))""",
    "a light curve in a list": """
import histlite as hl
lc = hl.Hist(np.linspace(ana.mjd_min, ana.mjd_max, 12), np.abs(np.sin(np.arange(11)) + 1.2), np.ones(11))
conf = {'ana': ana, 'src': src, 'extended': True, 'space': 'ps', 'time': 'lc', 'lcs': [lc], 'sig': 'lc', 'threshs': [0.], 'lags': [0.],
    'concat_evs': True, 'extra_keep': ['energy'], 'use_grl': True, 'n_seeds_thresh': 5, 'n_seeds_lag': 3, 'range_lag': (-.5, .5),
    'range_thresh': (0, 1.5), 'kind': 'binned', 'fitter_args': {'_fmin_epsilon': 1e-3, '_fmin_factr': 1e5}}
tr = cy.get_trial_runner(conf, inj_conf={'lcs': lc, 'threshs': np.zeros(1), 'lags': np.zeros(1), 'flux': cy.hyp.PowerLawFlux(2.)})
print(tr.get_many_fits(3, 5, seed=1).keys(), tr.get_one_llh(5, seed=1).fit(**tr.fitter_args), tr.get_one_fit(TRUTH=True))""",
    "transients one by one and together": """
grbs = cy.sources(ra=np.linspace(0, 5, 3), dec=np.linspace(-.5, .5, 3), mjd=ana.mjd_min + 20 + np.arange(3), t_100=np.full(3, .5),
    sigma_t=np.zeros(3), weight=np.ones(3) / 3, name=[f'GRB{i}' for i in range(3)])
conf = {'time': 'transient', 'sig': 'transient', 'extended': True, 'space': 'ps', 'rates_by': 'livetime', 'full_sky': True, 'cut_n_sigma': 3,
    'fitter_args': {'_fmin_method': 'minuit', '_ts_min': -100}}
print(cy.get_trial_runner(conf, ana=ana, src=grbs, sigsub=False).get_many_fits(20, 2, poisson=True, seed=1))
for g in grbs: print(cy.get_trial_runner(conf, ana=ana, src=g).get_one_fit(TRUTH=True), g.name, g['mjd'])""",
    "a transient within a map": f"""
sptr = cy.get_spatial_prior_trial_runner(conf={{'ana': ana, 'extended': True, 'space': 'ps', 'time': 'transient', 'sig': 'transient',
    'extra_keep': ['energy'], 'full_sky': True, 'fitter_args': {{'gamma': 2.7}}}}, llh_priors={TEMPLATE} + .01, get_pixmask=True, cut_n_sigma=3,
    src_tr=cy.sources(0, 0, mjd=ana.mjd_min + 30, t_100=1., sigma_t=0.), min_dec=-1.4, max_dec=1.4, refine_max=False)
b = sptr.get_many_fits(5, seed=1, logging=False); trial = sptr.get_one_trial(n_sig=2, poisson=False, seed=1)
print(b.as_dataframe, sptr.get_one_scan_from_trial(trial, logging=False).shape, trial.ra, len(sptr.get_one_fit(TRUTH=True, logging=False)))
evss, n_exs, ra, dec = trial; ev = cy.utils.Events.concatenate(evss[0]); print(ev.sigma_deg, ev.energy, sptr.to_E2dNdE(2, gamma=2.7, E0=1, unit=1e3))""",
    "trials of many jobs merged": """
tr = cy.get_trial_runner(src=src)
for n_sig in (0., 5.):
    out = cy.utils.ensure_dir(f'{tmp}/trials/gamma/2.0/dec/-10.0/nsig/{n_sig}')
    for seed in range(3): np.save(f'{out}/t_{seed:04d}.npy', tr.get_many_fits(5, n_sig, seed=seed).as_array)
sig = cy.bk.get_all(tmp + '/trials/gamma/2.0/dec/-10.0', 't_*npy', merge=np.concatenate, post_convert=cy.utils.Arrays, log=False)
ts = cy.dists.Chi2TSD(cy.bk.get_best(sig, 'nsig', 0)).median()
print(tr.find_n_sig(ts, 0.9, max_batch_size=0, trials=cy.bk.get_best(sig, 'nsig'), n_bootstrap=1, logging=False)['n_sig'])""",
    "a catalogue from a table": """
import pandas as pd
cat = pd.DataFrame(dict(RA=[10., 20., 30.], DEC=[-5., 10., 40.], flux=[1., 2., 5.], name=['a', 'b', 'c']))
s3 = cy.utils.sources(np.radians(cat.RA), np.radians(cat.DEC), weight=cat.flux / cat.flux.sum(), name=cat.name)
tr = cy.get_trial_runner(src=s3, ana=ana, flux=cy.hyp.PowerLawFlux(2.5), inj_conf=dict(flux=cy.hyp.PowerLawFlux(2.5)))
bg = cy.dists.Chi2TSD(tr.get_many_fits(50, seed=1)); print(bg.isf_nsigma(np.r_[1, 3], fit=True), bg.sf(2., fit=False), bg.sf_nsigma(5.))
print([tr.to_E2dNdE(5, flux=cy.hyp.PowerLawFlux(g), E0=100, unit=1e3) for g in (2., 2.5)], tr.to_ns(1e-20, E0=100, unit=1e3, use_E2dNdE=False))""",
    "a stack of one spectrum with signal subtraction": CONF
    + """
cut = cy.sources([10, 80], [5, -20], deg=True, weight=[.4, .6], extension=np.radians([0, 1.]))
tr = cy.get_trial_runner({'src': cut, 'flux': flux, 'sigsub': True, 'update_bg': True, 'energy': 'customflux', **dec_rand, **model}, ana=ana)
print(tr.get_many_fits(2, 10, seed=1, poisson=True), tr.get_one_llh(10, seed=2).fit(**tr.fitter_args))""",
    "signal with other weights than the fit": """
st = cy.sources([10, 80], [5, -20], deg=True, weight=[1, 2]); st_inj = cy.sources([10, 80], [5, -20], deg=True, weight=[2, 1])
tr = cy.get_trial_runner(src=st, inj_conf={'src': st_inj, 'flux': cy.hyp.PowerLawFlux(2.0)}); print(tr.get_many_fits(2, 5, seed=1), tr.sig_injs[0].src.weight)""",
    "a scan of cascades with signal subtraction": CONF
    + """
conf = {'ana': ana, 'flux': flux, 'sigsub': True, 'update_bg': True, 'fitter_args': dict(gamma=2.5), **dec_rand}
sstr = cy.get_sky_scan_trial_runner(conf=conf, nside=4, min_dec=-.5, max_dec=.5, mp_scan_cpus=2, ts_to_p=lambda dec, ts: np.exp(-ts))
print(sstr.get_one_scan(seed=1, logging=True)[1].max(), sstr.get_many_fits(1, seed=1))""",
    "templates from one dictionary": f"""
gp = dict(template={TEMPLATE}, flux=cy.hyp.PowerLawFlux(2.7), fitter_args=dict(gamma=2.7), sigsub=False, dir=tmp, ana=ana); base = dict(gp)
base.update(sigsub=True, update_bg=True, space='template', sig='template', fast_weight=True, sindec_bandwidth=np.radians(.1))
for c in (gp, base): print(cy.get_trial_runner(conf=c, inj_conf=dict(template={TEMPLATE})).get_one_fit(10, seed=1, mp_cpus=1))
ts, ns = cy.get_trial_runner(base).get_one_fit(TRUTH=True); print(ts, ns)""",
    "a distribution and its picture": """
import histlite as hl
cy.plotting.mrichman_mpl(); fig, ax = plt.subplots(); bg = cy.dists.Chi2TSD(cy.get_trial_runner(src=src).get_many_fits(100, seed=1))
h = bg.get_hist(bins=30); hl.plot1d(ax, h, crosses=True, label='{} bg trials'.format(bg.n_total)); x = h.centers[0]; norm = h.integrate().values
ax.semilogy(x, norm * bg.pdf(x), lw=1, ls='--', label=r'{:.2f}dof, {:.3f}'.format(bg.ndof, bg.eta), color=cy.plotting.soft_colors[0])
ax.axvline(bg.isf_nsigma(3)); ax.legend(); cy.plotting.saving(tmp, 'bg'); print(bg.description, bg.loc, bg.scale, bg.threshold, len(bg))""",
    "columns of the events": """
for a in ana.anas: print(a.key, a.plot_key, a.livetime, a.mjd_min, len(a.data), len(a.sig), a.kw_energy, a.kw_acc, a.kw_space_bg)
d = a.data; print(d[d.dec > 0].sigma_deg, d.dec_deg, d.energy, a.sig.dpsi_deg, a.sig.oneweight * cy.hyp.PowerLawFlux(2)(a.sig.true_energy))""",
    "tables of trials": """
t = cy.get_trial_runner(src=src).get_many_fits(5, seed=1); import copy
a, b, c = cy.utils.Arrays(t.as_array), cy.utils.Arrays(t.as_dataframe), cy.utils.Arrays({k: t[k] for k in t.keys()}); d = copy.deepcopy(a)
t2 = cy.utils.Arrays.concatenate((a, b)); t2.idx = np.arange(len(t2)); t2['x'] = t2.ts * 2; print(c[0], d[:2], t2[t2.ts >= 0], 'ts' in t2)
np.savez(tmp + '/x.npz', **{k: t2[k] for k in t2.keys()})""",
    "a session with a configuration that grows": """
cy.CONF['mp_cpus'] = 3; cy.CONF.update({'src': src, 'flux': cy.hyp.PowerLawFlux(2)}); conf = cy.CONF.copy(); conf['cut_n_sigma'] = 3
print(cy.get_trial_runner(conf).get_one_fit(seed=1), cy.get_trial_runner(**conf).get_one_fit(seed=1), cy.conf.CONF is cy.CONF); del cy.CONF['src']""",
    "many ways to ask for fits": """
tr = cy.get_trial_runner(src=src); rng = cy.utils.get_random(5)
print(tr.get_many_fits(5, TRUTH=False, n_sig=1.5, poisson=True, seed=0), tr.get_many_fits(np.int64(5), 0, False, 3, False), tr.get_many_fits(5, seed=1, gamma=2.5))
ts, ns, gamma = tr.get_one_fit(seed=rng); print(tr.get_one_fit(TRUTH=True, flat=True, _fmin_method='bfgs'), tr.get_many_fits(2, seed=None))""",
    "a stack with the spectrum of each source": """
fluxs = [cy.hyp.TableFlux([1e2, 1e4, 1e7], [1e-8 * l, 1e-12 * l, 1e-20 * l], norm=1.) for l in (1., 3., 8.)]
st = cy.utils.Sources(ra=np.radians([40., 66., 190.]), dec=np.radians([0., 51., -5.]), name=['NGC 1068', 'b', 'c'])
conf = {'src': st, 'corona_flux': True, 'energy': 'customflux', 'flux': fluxs, 'update_bg': True, 'sigsub': False, 'randomize': ['ra', cy.inj.DecRandomizer],
    'sindec_bandwidth': np.radians(5), 'dec_rand_method': 'gaussian_fixed', 'dec_rand_kwargs': dict(randomization_width=np.radians(3)),
    'dec_rand_pole_exlusion': np.radians(8), 'inj_conf': {'src': st, 'corona_flux': True, 'update_bg': True, 'flux': fluxs, 'randomize': ['ra', cy.inj.DecRandomizer],
    'sindec_bandwidth': np.radians(5), 'dec_rand_method': 'gaussian_fixed', 'dec_rand_kwargs': dict(randomization_width=np.radians(3)), 'dec_rand_pole_exlusion': np.radians(8)}}
tr = cy.get_trial_runner(conf, ana=ana, mp_cpus=1); bg = cy.dists.Chi2TSD(tr.get_many_fits(4, n_sig=0, poisson=False, seed=1, logging=False))
print(bg, tr.get_many_fits(2, n_sig=20, poisson=True, seed=2), tr.to_model_norm(10.), [f.norm for f in tr.sig_injs[0].flux])
conf.pop('energy'); print(cy.get_trial_runner(conf, ana=ana).get_one_fit(20, seed=1))""",
    "flares at times drawn by hand": """
srcs = cy.sources(1.35049651, 0.09828762, name=50579430); names = [50579430]
def get_injflares(t0, twidth, nevts):
    return [[np.random.uniform(low=t0, high=t0 + twidth, size=np.random.poisson(nevts)), 0]]
mtr = cy.conf.get_multiflare_trial_runner(ana=ana, src=srcs, threshold=100., extra_keep=['dec', 'sigma'])
for i in range(2):
    trial = mtr.get_one_trial(seed=i, injflares=get_injflares(ana.mjd_min + 20, 5., 8.), TRUTH=False)
    fit = mtr.get_one_fit_from_trial(trial, flat=False, _fmin_epsilon=1e-3); flist = fit[names[0]][-1]
    farr = np.empty(len(flist), dtype=[('tstart', float), ('tstop', float), ('ts', float), ('ns', float), ('gamma', float)])
    farr['tstart'] = flist.mjd_start; farr['tstop'] = flist.mjd_end; farr['ts'] = flist.ts; farr['ns'] = flist.ns; farr['gamma'] = flist.gamma
    print([f[1][0] for f in sorted(fit.items(), key=lambda e: e[1][0], reverse=True)], farr)""",
    "several flares in every pixel of a band": """
src1 = cy.utils.Sources(ra=1.0, dec=0.1, name=range(0, 1), deg=False); t0 = ana.mjd_min + 20
msstr = cy.conf.get_sky_scan_trial_runner(ana=ana, multiflare=True, nside=4, threshold=100, max_dt=40., flux=cy.hyp.PowerLawFlux(2.28), min_dec=-.3, max_dec=.3)
inj_tr = cy.get_multiflare_trial_runner(ana=ana, src=src1, muonflag=False, flux=cy.hyp.PowerLawFlux(3.), mp_cpus=1, threshold=100, filter_srcs=False)
trial = inj_tr.get_one_trial(injflares=[[list(t0 + np.random.uniform(0, .8, 6)), 0]], deltaT=1., poisson=True, seed=1, TRUTH=False, replace_evts=True, save_evts=tmp + '/injevts.npy')
scan = msstr.get_one_scan_from_trial(trial, mp_cpus=1, TRUTH=False, seed=1); tsarr, curves = scan[1], scan[7]
print(msstr.scan_dec.size, scan.shape, curves[curves != 0.]); np.savez(tmp + '/bgmap.npz', tsarr, curves)""",
    "a flare of each of some lengths, with arrays of one": """
one = cy.utils.Sources(ra=1., dec=.1, mjd=ana.mjd_min + 30, t_100=1., sigma_t=0.)
src = cy.utils.Sources(ra=one['ra'], dec=one['dec'])
for i in range(2):
    conf_box = {'time': 'utf', 'box': True, 'box_mode': 'post', 'fitter_args': {'t0': one['mjd']}, 'seeder': cy.seeding.UTFSeeder(), 'sig': 'tw',
        'sig_kw': dict(box=True, t0=one['mjd'], dt=np.random.uniform(1, 20, 1), box_mode='post', flux=cy.hyp.PowerLawFlux(2.))}
    tr_box = cy.get_trial_runner(conf=conf_box, src=src, ana=ana, dt_max=200, _fmin_method='minuit')
    trial = tr_box.get_one_trial(5, poisson=True, seed=1 + i); fit = tr_box.get_one_fit_from_trial(trial, _fmin_method='minuit')
    L = tr_box.get_one_llh(n_sig=10, poisson=True, seed=1); a, b = L.scan_ts(ns=np.linspace(0, 20, 5), gamma=np.linspace(1, 4, 4), t0=one['mjd'][0], dt=20)
    print(np.array([fit, fit]).T[0], a.reshape(5, 4).max(), len(trial.evss[0]))""",
    "a trial under many spectra": CONF
    + """
def get_tr(gamma, cutoff):
    f = cy.hyp.PowerLawFlux(gamma, energy_cutoff=cutoff); c = {k: dict(v, flux=f) for k, v in model.items()}
    return cy.get_trial_runner({'flux': f, 'energy': 'customflux', 'randomize': ['ra'], 'update_bg': True, 'fast_weight': False, 'keep_extra': 'gamma', 'dir': tmp, **c}, src=src, ana=ana)
inj_tr = get_tr(2.5, 1e6); trial = inj_tr.get_one_trial(n_sig=round(inj_tr.to_ns(1e-11, E0=1, unit=1e3, flux=flux)) % 50, TRUTH=False, seed=1)
trials = np.ndarray((2, 2))
for i, g in enumerate((2., 3.)):
    for j, c in enumerate((1e5, 1e7)):
        tr = get_tr(g, c); L = tr.get_one_llh_from_trial(trial)
        trials[i][j] = -2 * L.get_minus_llh_ratio(ns=5.)
fit = L.fit(**tr.fitter_args); ts, params = fit; print(trials, ts, params['ns'], L.fit()[0] == fit.ts, dict(params))""",
    "a likelihood space with its critical values": """
import scipy.stats as st
tr = cy.get_trial_runner({'ana': ana}, ana=ana, src=src, inj_conf={'flux': cy.hyp.PowerLawFlux(2.5)})
trial = tr.get_one_trial(n_sig=15, TRUTH=False, seed=cy.utils.get_random(1), poisson=False); llh = tr.get_one_llh_from_trial(trial)
nss, gammas = np.linspace(0., 40., 9), np.linspace(1., 4., 7); space = llh.scan_ts(ns=nss, gamma=gammas); mesh_ns, mesh_gam = np.meshgrid(nss, gammas)
best = np.argmax(space[0].T); fig, ax = plt.subplots(); ax.pcolor(mesh_ns, mesh_gam, -1. * (space[0].T - np.max(space[0])), vmin=0, vmax=10)
ax.contour(nss, gammas, np.max(space[0]) - space[0].T, levels=[st.chi2(2.).isf(.5), st.chi2(2.).isf(.1)]); print(mesh_ns.flatten()[best], mesh_gam.flatten()[best])""",
    "flares of many sources in a scan": """
n, lo, up = 12, -.3, .3; decs, ras = np.linspace(lo, up, n), np.random.uniform(low=0, high=2 * np.pi, size=n); start, stop = ana.mjd_min, ana.mjd_max
src = cy.sources(ras[0], decs[0], deg=False); fl = np.random.poisson(lam=cy.conf.get_trial_runner(src=src, ana=ana).to_ns(np.full(n, 3e-20), gamma=2.28, E0=1e5, unit=1) % 6 + 1)
inj_flares = []
for j in range(n):
    tcen = np.random.choice(np.arange(start, stop, .001)); inj_flares.append([list(np.random.uniform(low=tcen - 1, high=tcen + 1, size=fl[j] + 1)), j])
srclist = cy.utils.Sources(ra=ras, dec=decs, name=range(0, n), deg=False)
msstr = cy.conf.get_sky_scan_trial_runner(ana=ana, multiflare=True, nside=4, threshold=2000, max_dt=40., flux=cy.hyp.PowerLawFlux(2.28), min_dec=lo, max_dec=up)
inj_tr = cy.get_multiflare_trial_runner(ana=ana, src=srclist, muonflag=False, flux=cy.hyp.PowerLawFlux(3.), mp_cpus=1, threshold=2000, filter_srcs=False)
trial = inj_tr.get_one_trial(injflares=inj_flares, deltaT=1., poisson=True, seed=1, TRUTH=False, replace_evts=True, save_evts=tmp + '/injevts.npy'); print(trial)
scan = msstr.get_one_scan_from_trial(trial, mp_cpus=1, TRUTH=False, seed=1); cfit = inj_tr.get_one_fit_from_trial(trial, flat=False, TRUTH=True)
print(scan[1].max(), [e[1][0] for e in sorted(cfit.items(), key=lambda e: e[1][0], reverse=True)][:3], [f for f in cfit.values()][0][-1].mjd_start)""",
    "flares of a list of sources in many trials": """
names = ['a', 'b', 'c']; srcs = cy.sources([1., 2., 4.], [.1, -.2, .6], name=names); t0 = ana.mjd_min + 20
mtr = cy.get_multiflare_trial_runner(ana=ana, src=srcs, muonflag=False, flux=cy.hyp.PowerLawFlux(2.), mp_cpus=1, threshold=100, filter_srcs=True, max_dt=20.)
bg = cy.dists.Chi2TSD(mtr.get_many_fits(8, seed=1, logging=False)); trials = mtr.get_many_fits(4, n_sig=6, poisson=True, seed=2)
trial = mtr.get_one_trial(injflares=[[list(t0 + np.linspace(0, 1, 5)), 1]], poisson=True, seed=3, TRUTH=False, replace_evts=True)
cfit = sorted(mtr.get_one_fit_from_trial(trial, mp_cpus=1, TRUTH=True, flat=False).items(), key=lambda e: e[1][0], reverse=True)
print([fit[0] for fit in cfit], bg.sf(cfit[0][1][0]), trials.as_dataframe)""",
    "a template over simulated background": """
sim = ana[0].sig; conv = sim['oneweight'] * sim['true_energy'] ** -3.7; conv *= len(ana[0].data) / (conv.sum() * ana[0].livetime * 86400.)
spec = cy.selections.CustomDataSpecs.CustomDataSpec(ana[0].data, sim.with_columns(conv=conv), ana[0].livetime, key='MCBG', keep=('conv',))
mc = cy.get_analysis(cy.selections.repo, spec, logging=False); conf = {'ana': mc, 'template': """
    + TEMPLATE
    + """, 'flux': cy.hyp.PowerLawFlux(2.5), 'sigsub': True}
for inj_conf in ({'bg_weight_names': ['conv']}, {'bg_weight_names': ['conv'], 'randomize': ['ra', 'dec'], 'update_bg': False}):
    tr = cy.get_trial_runner(conf, inj_conf=inj_conf, fitter_args=dict(gamma=2.5)); trials = tr.get_many_fits(3, seed=1)
    print(trials.ts, [len(ens) for ens in tr.get_one_trial(5, seed=2)[0][0]], tr.bg_injs[0].probs.sum())""",
}
